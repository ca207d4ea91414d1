//! Roles, bans and passwords, as those who have them see it.

use expect_test::expect;

use crate::transcript::check;

#[test]
fn a_role_counts_from_the_next_command() {
    check(
        "
        at 0 mia gives mia operator
        at 0 olga gives mia operator
        at 0 mia creates venue name=Mine
        at 0 olga gives mia guest
        at 0 mia creates venue name=Another
        at 0 olga gives user:99 guest
        ",
        &expect![[r#"
            mia gives mia operator -> forbidden
            olga gives mia operator -> user:3 operator
            mia creates venue name=Mine -> venue:2 [venue.created]
            olga gives mia guest -> user:3 guest
            mia creates venue name=Another -> forbidden
            olga gives user:99 guest -> user_not_found user:99
        "#]],
    );
}

#[test]
fn somebody_can_always_operate_the_cluster() {
    check(
        "
        at 0 olga gives olga guest
        at 0 olga bans olga
        at 0 olga gives olga operator
        at 0 olga gives mia operator
        at 0 olga bans mia
        at 0 olga gives olga staff
        at 0 olga unbans mia
        at 0 olga gives olga staff
        at 0 olga bans mia
        at 0 mia@1 gives mia guest
        ",
        &expect![[r#"
            olga gives olga guest -> last_operator
            olga bans olga -> last_operator
            olga gives olga operator -> user:1 operator
            olga gives mia operator -> user:3 operator
            olga bans mia -> user:3 operator banned at=0 by=user:1 reason=
            olga gives olga staff -> last_operator
            olga unbans mia -> user:3 operator
            olga gives olga staff -> user:1 staff
            olga bans mia -> forbidden
            mia@1 gives mia guest -> last_operator
        "#]],
    );
}

#[test]
fn nobody_operates_the_cluster_who_cannot_log_in() {
    check(
        "
        at 0 olga creates user email=a@example.com
        at 0 olga gives user:6 operator
        at 0 olga gives olga guest
        at 0 olga gives user:6 staff
        at 0 olga sets password of user:6 password=x
        at 0 olga gives user:6 operator
        at 0 olga gives olga guest
        at 0 olga creates app secret=a
        ",
        &expect![[r#"
            olga creates user email=a@example.com -> user:6 guest
            olga gives user:6 operator -> no_password
            olga gives olga guest -> last_operator
            olga gives user:6 staff -> user:6 staff
            olga sets password of user:6 password=x -> user:6 staff
            olga gives user:6 operator -> user:6 operator
            olga gives olga guest -> user:1 guest
            olga creates app secret=a -> forbidden
        "#]],
    );
}

#[test]
fn operators_of_old_who_cannot_log_in_do_not_stand_in_for_one_who_can() {
    check(
        "
        at 0 olga creates user email=a@example.com role=operator
        at 0 olga creates user email=b@example.com
        at 0 olga sets role of user:7 operator
        at 0 olga gives olga guest
        at 0 olga gives mia operator
        at 0 olga bans mia
        at 0 olga gives olga guest
        at 0 olga unbans mia
        at 0 olga gives olga guest
        at 0 mia@1 gives user:6 guest
        at 0 mia@1 gives mia guest
        at 0 mia@1 gives user:7 guest
        at 0 mia@1 gives mia guest
        ",
        &expect![[r#"
            olga creates user email=a@example.com role=operator -> user:6 operator
            olga creates user email=b@example.com -> user:7 guest
            olga sets role of user:7 operator -> user:7 operator
            olga gives olga guest -> last_operator
            olga gives mia operator -> user:3 operator
            olga bans mia -> user:3 operator banned at=0 by=user:1 reason=
            olga gives olga guest -> last_operator
            olga unbans mia -> user:3 operator
            olga gives olga guest -> user:1 guest
            mia@1 gives user:6 guest -> user:6 guest
            mia@1 gives mia guest -> last_operator
            mia@1 gives user:7 guest -> user:7 guest
            mia@1 gives mia guest -> last_operator
        "#]],
    );
}

#[test]
fn a_banned_user_can_do_nothing_and_keeps_what_he_has_booked() {
    check(
        "
        at 0 olga opens slot resource=1 from=100 to=200 capacity=2
        at 0 mia books slot:1
        at 0 mia logs in
        at 1 mia bans tom
        at 1 olga bans user:99
        at 1 olga bans mia reason=scalping
        at 2 mia books slot:1
        at 2 mia logs in
        at 2 mia@1 logs in
        at 2 nobody refreshes session:1 sequence=0
        at 3 sam books slot:1 user=user:3
        at 4 olga bans mia reason=fraud
        at 5 mia unbans mia
        at 5 olga unbans mia
        at 5 olga unbans mia
        at 5 olga unbans user:99
        at 6 mia books slot:1
        at 6 mia@2 logs in
        at 6 mia@2 cancels booking:1
        ",
        &expect![[r#"
            olga opens slot resource=1 from=100 to=200 capacity=2 -> slot:1 [slot.opened]
            mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            mia logs in -> session:1 sequence=0
            mia bans tom -> forbidden
            olga bans user:99 -> user_not_found user:99
            olga bans mia reason=scalping -> user:3 guest banned at=1 by=user:1 reason=scalping
            mia books slot:1 -> unauthenticated
            mia logs in -> unauthenticated
            mia@1 logs in -> banned
            nobody refreshes session:1 sequence=0 -> session_invalid
            sam books slot:1 user=user:3 -> booking:2 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            olga bans mia reason=fraud -> user:3 guest banned at=4 by=user:1 reason=fraud
            mia unbans mia -> unauthenticated
            olga unbans mia -> user:3 guest
            olga unbans mia -> user:3 guest
            olga unbans user:99 -> user_not_found user:99
            mia books slot:1 -> unauthenticated
            mia@2 logs in -> session:2 sequence=0
            mia@2 cancels booking:1 -> booking:1 cancelled slot:1 pool:1 user:3 count=1 version=2 [booking.cancelled]
        "#]],
    );
}

#[test]
fn another_password_logs_out_everywhere() {
    check(
        "
        at 0 mia logs in
        at 0 mia sets password of tom password=x
        at 0 mia sets password of user:99 password=x
        at 0 nobody sets password of mia password=x
        at 0 mia sets password of mia password=x
        at 1 mia sets password of mia password=y
        at 1 nobody refreshes session:1 sequence=0
        at 1 mia logs in
        at 1 mia@1 logs in
        at 2 olga sets password of mia password=z
        at 2 mia@1 creates venue name=Mine
        at 2 nobody refreshes session:2 sequence=0
        at 2 olga sets password of user:99 password=z
        ",
        &expect![[r#"
            mia logs in -> session:1 sequence=0
            mia sets password of tom password=x -> user_not_found user:4
            mia sets password of user:99 password=x -> user_not_found user:99
            nobody sets password of mia password=x -> unauthenticated
            mia sets password of mia password=x -> user:3 guest
            mia sets password of mia password=y -> unauthenticated
            nobody refreshes session:1 sequence=0 -> session_invalid
            mia logs in -> unauthenticated
            mia@1 logs in -> session:2 sequence=0
            olga sets password of mia password=z -> user:3 guest
            mia@1 creates venue name=Mine -> unauthenticated
            nobody refreshes session:2 sequence=0 -> session_invalid
            olga sets password of user:99 password=z -> user_not_found user:99
        "#]],
    );
}

#[test]
fn operators_make_users_of_any_role_and_apps_make_guests() {
    check(
        "
        at 0 mia creates user email=a@example.com
        at 0 sam creates user email=a@example.com
        at 0 ann creates user email=a@example.com role=staff
        at 0 ann creates user email=a@example.com
        at 0 olga creates user email=a@example.com
        at 0 olga creates user email=b@example.com role=operator
        at 0 olga sets role of olga guest
        ",
        &expect![[r#"
            mia creates user email=a@example.com -> forbidden
            sam creates user email=a@example.com -> forbidden
            ann creates user email=a@example.com role=staff -> forbidden
            ann creates user email=a@example.com -> user:6 guest
            olga creates user email=a@example.com -> email_taken
            olga creates user email=b@example.com role=operator -> user:7 operator
            olga sets role of olga guest -> user:1 guest
        "#]],
    );
}
