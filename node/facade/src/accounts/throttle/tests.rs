//! Whoever guesses waits, and nobody else does.

use std::net::Ipv4Addr;

use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

const SETTINGS: ThrottleSettings =
    ThrottleSettings { account_failures: 3, address_failures: 20, wait_max: Duration::from_secs(300) };

fn elsewhere(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, number))
}

impl Throttle {
    fn fail(&self, account: &str, address: IpAddr) {
        self.note(self.guess(account, Some(address)), false);
    }

    fn waits(&self, account: &str, address: IpAddr) -> u64 {
        self.wait(self.guess(account, Some(address))).unwrap_or_default().as_secs()
    }
}

#[tokio::test(start_paused = true)]
async fn each_failure_beyond_the_free_ones_doubles_the_wait() {
    let throttle = Throttle::new(SETTINGS);
    let mut waits = Vec::new();
    for _ in 0..14 {
        waits.push(throttle.waits("mia", HERE));
        tokio::time::advance(Duration::from_secs(waits[waits.len() - 1])).await;
        assert_eq!(throttle.waits("mia", HERE), 0, "the wait ends");
        throttle.fail("mia", HERE);
    }
    assert_eq!(waits, [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    tokio::time::advance(Duration::from_secs(300) + FORGET_DURATION).await;
    throttle.fail("mia", HERE);
    assert_eq!(throttle.waits("mia", HERE), 0, "all was forgotten");
}

#[tokio::test(start_paused = true)]
async fn who_tries_again_at_the_end_of_each_wait_comes_to_wait_for_the_longest() {
    let wait_max = Duration::from_secs(900);
    let throttle = Throttle::new(ThrottleSettings { account_failures: 5, wait_max, ..SETTINGS });
    for _ in 0..30 {
        tokio::time::advance(Duration::from_secs(throttle.waits("mia", HERE))).await;
        throttle.fail("mia", HERE);
    }
    assert_eq!(throttle.waits("mia", HERE), 900);
}

#[tokio::test(start_paused = true)]
async fn who_guesses_from_one_address_locks_nobody_out_elsewhere() {
    let throttle = Throttle::new(SETTINGS);
    for _ in 0..5 {
        throttle.fail("mia", HERE);
    }
    assert_eq!((throttle.waits("mia", HERE), throttle.waits("mia", THERE)), (4, 0));
    assert_eq!(throttle.waits("tom", HERE), 0, "another account has its own budget");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_guessed_at_from_everywhere_waits_a_minute_at_most_and_not_where_it_is_at_home() {
    let throttle = Throttle::new(SETTINGS);
    throttle.note(throttle.guess("mia", Some(HERE)), true);
    for number in 0..60 {
        throttle.fail("mia", elsewhere(number));
    }
    assert_eq!(throttle.waits("mia", THERE), 60);
    assert_eq!(throttle.waits("mia", HERE), 0);
    for _ in 0..3 {
        throttle.fail("mia", HERE);
    }
    assert_eq!(throttle.waits("mia", HERE), 1, "even at home one does not guess");
    tokio::time::advance(KNOWN_DURATION).await;
    throttle.fail("mia", elsewhere(60));
    for number in 0..60 {
        throttle.fail("mia", elsewhere(number));
    }
    assert_eq!(throttle.waits("mia", HERE), 60, "after so long it is an address like any other");
}

#[tokio::test(start_paused = true)]
async fn an_address_has_a_budget_over_all_accounts() {
    let throttle = Throttle::new(SETTINGS);
    for account in 0..22 {
        throttle.fail(&account.to_string(), HERE);
    }
    assert_eq!((throttle.waits("mia", HERE), throttle.waits("mia", THERE)), (4, 0));
    let throttle = Throttle::new(ThrottleSettings { address_failures: 0, ..SETTINGS });
    for account in 0..100 {
        throttle.fail(&account.to_string(), HERE);
    }
    assert_eq!(throttle.waits("mia", HERE), 0, "behind a proxy all addresses are one");
}

#[tokio::test(start_paused = true)]
async fn a_busy_address_may_slip_now_and_then_for_ever() {
    let throttle = Throttle::new(SETTINGS);
    for account in 0..200 {
        tokio::time::advance(DRAIN_DURATION / SETTINGS.address_failures).await;
        assert_eq!(throttle.waits(&account.to_string(), HERE), 0, "after {account} slips");
        throttle.fail(&account.to_string(), HERE);
    }
    for account in 200..221 {
        throttle.fail(&account.to_string(), HERE);
    }
    assert!(throttle.waits("mia", HERE) > 0, "all at once is another matter");
}

#[tokio::test(start_paused = true)]
async fn who_is_at_home_at_an_address_does_not_wait_for_what_others_do_there() {
    let throttle = Throttle::new(SETTINGS);
    throttle.note(throttle.guess("mia", Some(HERE)), true);
    for account in 0..30 {
        throttle.fail(&account.to_string(), HERE);
    }
    assert_eq!((throttle.waits("mia", HERE), throttle.waits("tom", HERE)), (0, 300));
}

#[tokio::test(start_paused = true)]
async fn who_guesses_at_his_colleagues_makes_them_wait_a_minute_at_most() {
    let throttle = Throttle::new(SETTINGS);
    for colleague in 0..2 * SETTINGS.address_failures * AT_HOME_FACTOR {
        let colleague = colleague.to_string();
        throttle.note(throttle.guess(&colleague, Some(HERE)), true);
        if throttle.waits(&colleague, HERE) == 0 {
            throttle.fail(&colleague, HERE);
        }
    }
    throttle.note(throttle.guess("mia", Some(HERE)), true);
    throttle.note(throttle.guess("mia", Some(THERE)), true);
    assert_eq!((throttle.waits("mia", HERE), throttle.waits("mia", THERE)), (1, 0), "he was stopped");
    for _ in 0..10 {
        tokio::time::advance(Duration::from_secs(throttle.waits("0", HERE))).await;
        throttle.fail("0", HERE);
        throttle.note(throttle.guess("0", Some(HERE)), true);
    }
    assert_eq!(throttle.waits("mia", HERE), 60);
}

#[tokio::test(start_paused = true)]
async fn behind_a_proxy_nobody_is_kept_out_for_longer_than_a_minute() {
    let throttle = Throttle::new(ThrottleSettings { address_failures: 0, ..SETTINGS });
    for _ in 0..20 {
        throttle.fail("mia", HERE);
    }
    assert_eq!(throttle.waits("mia", HERE), 60);
}

#[tokio::test(start_paused = true)]
async fn a_log_in_makes_up_for_failures() {
    let throttle = Throttle::new(SETTINGS);
    for _ in 0..4 {
        throttle.fail("mia", HERE);
    }
    throttle.note(throttle.guess("mia", Some(HERE)), true);
    for _ in 0..2 {
        throttle.fail("mia", HERE);
    }
    assert_eq!(throttle.waits("mia", HERE), 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_if_nobody_is_to() {
    let throttle = Throttle::new(ThrottleSettings { account_failures: 0, ..SETTINGS });
    for _ in 0..100 {
        throttle.fail("mia", HERE);
    }
    assert_eq!(throttle.waits("mia", HERE), 0);
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_and_the_latest_are_remembered() {
    let throttle = Throttle::new(ThrottleSettings { address_failures: 0, ..SETTINGS });
    for account in 0..REMEMBERED_MAX {
        for _ in 0..3 {
            throttle.fail(&account.to_string(), HERE);
        }
    }
    let known = throttle.known.lock().unwrap();
    assert!(known.failures.young.len() + known.failures.old.len() <= 2 * REMEMBERED_MAX);
    drop(known);
    assert_eq!(throttle.waits(&(REMEMBERED_MAX - 1).to_string(), HERE), 1);
}
