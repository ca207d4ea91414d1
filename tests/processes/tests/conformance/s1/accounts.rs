//! `/auth`: signing up, in and out. Whether its errors are S1's or problems the documents leave open: they say why.

use crate::client::Caller;
use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_up_logs_in_and_logs_out() {
    let mut walk = Walk::open().await;
    walk.converse(
        r#"
        nobody POST /auth/signup {"email":"mia@example.com","password":"secret","name":"Mia"}
            -> 201 {"message":"$text","userId":"$account = digits"}
        nobody POST /auth/signup {"email":"mia@example.com","password":"secret","name":"Mia"} -> 409 told
        nobody POST /auth/signup {"email":"mia@example.com","password":"another","name":"Another"} -> 409 told
        nobody POST /auth/login {"email":"mia@example.com","password":"secret"}
            -> 200 {"accessToken":"$token = text","refreshToken":"$refresh = text"}
        nobody POST /auth/login {"email":"mia@example.com","password":"Secret"} -> 401 told
        nobody POST /auth/login {"email":"tom@example.com","password":"secret"} -> 401 told
        "#,
    )
    .await;
    walk.is_called("mia", Caller::Token(walk.text("token")));
    walk.converse(
        r#"
        mia POST /events {"title":"Concert"} -> 201 {"userId":"$account"}
        nobody POST /auth/refresh {"refreshToken":"$refresh"}
            -> 200 {"accessToken":"$newer = text","refreshToken":"$text"}
        nobody POST /auth/logout -> 401 told
        mia POST /auth/logout -> 200 {"message":"$text"}
        mia POST /events {"title":"Concert"} -> 401 nest
        nobody POST /auth/login {"email":"mia@example.com","password":"secret"} -> 200 {"accessToken":"$text"}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_must_be_whole() {
    let mut walk = Walk::open().await;
    walk.converse(
        r#"
        nobody POST /auth/signup {"email":"a@example.com","password":"short","name":"A"} -> 400 told
        nobody POST /auth/signup {"email":"a@example.com","password":"","name":"A"} -> 400 told
        nobody POST /auth/signup {"email":"nowhere","password":"secret","name":"A"} -> 400 told
        nobody POST /auth/signup {"password":"secret","name":"A"} -> 400 told
        nobody POST /auth/signup {"email":"a@example.com","name":"A"} -> 400 told
        nobody POST /auth/signup {"email":"a@example.com","password":"secret"} -> 400 told
        nobody POST /auth/signup {"email":7,"password":"secret","name":"A"} -> 400 told
        nobody POST /auth/signup {"email":"a@example.com","password":123456,"name":"A"} -> 400 told
        nobody POST /auth/signup { -> 400 told
        nobody POST /auth/login {"email":"a@example.com"} -> 400 told
        nobody POST /auth/login {"email":"a@example.com","password":"secret"} -> 401 told
        nobody POST /auth/signup {"email":"a@example.com","password":"sixsix","name":"A","age":7} -> 201
        "#,
    )
    .await;
}
