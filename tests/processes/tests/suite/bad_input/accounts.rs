//! Senseless calls about users and apps.

use holdfast_processes::beside;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn senseless_calls_about_users_are_refused() {
    let _machine = beside().await;
    let table = r#"
        nobody   GET /v1/users                                                        -> 401 unauthenticated
        guest    GET /v1/users                                                        -> 403 forbidden
        staff    GET /v1/users                                                        -> 403 forbidden
        operator GET /v1/users?limit=0                                                -> 422 invalid
        operator GET /v1/users?limit=many                                             -> 400 malformed
        operator GET /v1/users?after=last                                             -> 400 malformed
        operator GET /v1/users/999999                                                 -> 404 user_not_found
        operator GET /v1/users/one                                                    -> 404 user_not_found
        operator GET /v1/users/18446744073709551616                                   -> 404 user_not_found
        guest    GET /v1/users/$stranger                                              -> 404 user_not_found
        staff    GET /v1/users/$stranger                                              -> 404 user_not_found
        guest    GET /v1/users/999999                                                 -> 404 user_not_found
        guest    POST /v1/users {"email":"a@b","name":"A"}                            -> 403 forbidden
        staff    POST /v1/users {"email":"a@b","name":"A"}                            -> 403 forbidden
        operator POST /v1/users {"email":"a","name":"A"}                              -> 400 malformed
        operator POST /v1/users {"email":"a@b"}                                       -> 400 malformed
        operator POST /v1/users {"email":"a@b","name":""}                             -> 400 malformed
        operator POST /v1/users {"email":"a@b","name":"A","password":"short"}         -> 400 malformed
        operator POST /v1/users {"email":"a@b","name":"A","role":"king"}              -> 400 malformed
        operator POST /v1/users {"email":"a@b","name":"A","admin":true}               -> 400 malformed
        operator POST /v1/users {"email":"a@b","name":"A","role":"operator"}          -> 422 invalid
        operator POST /v1/users {"email":"operator@holdfast.local","name":"A"}        -> 409 email_taken
        operator PUT /v1/users/$stranger/ban {"reason":7}                             -> 400 malformed
        operator PUT /v1/users/$stranger/ban {"why":"x"}                              -> 400 malformed
        operator PUT /v1/users/999999/ban                                             -> 404 user_not_found
        operator DELETE /v1/users/999999/ban                                          -> 404 user_not_found
        staff    PUT /v1/users/$stranger/ban                                          -> 403 forbidden
        guest    DELETE /v1/users/$stranger/ban                                       -> 403 forbidden
        guest    PUT /v1/users/$stranger/password {"password":"long enough"}          -> 404 user_not_found
        staff    PUT /v1/users/$stranger/password {"password":"long enough"}          -> 404 user_not_found
        guest    PUT /v1/users/999999/password {"password":"long enough"}             -> 404 user_not_found
        operator PUT /v1/users/999999/password {"password":"long enough"}             -> 404 user_not_found
        operator PUT /v1/users/$stranger/password {"password":"short"}                -> 400 malformed
        operator PUT /v1/users/$stranger/password {}                                  -> 400 malformed
        operator PUT /v1/users/$stranger/password {"password":"long enough","x":1}    -> 400 malformed
        nobody   PUT /v1/users/$stranger/password {"password":"long enough"}          -> 401 unauthenticated
        nobody   PUT /v1/users/$stranger/password {"password":7}                      -> 401 unauthenticated
        nobody   PUT /v1/users/one/password                                           -> 401 unauthenticated
        guest    PUT /v1/users/me/password {"password":"long enough"}                 -> 404 user_not_found
        nobody   GET /v1/users/me                                                     -> 401 unauthenticated
        operator PATCH /v1/users/$stranger {"role":"guest"}                           -> 405 no_such_method
        operator POST /first-operator {"email":"a@b","name":"A","password":"long enough"} -> 404 no_such_path
    "#;
    Scene::open(3).await.refuses(&spaced(table)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senseless_calls_about_apps_are_refused() {
    let _machine = beside().await;
    let table = r#"
        nobody   GET /v1/apps                                                         -> 401 unauthenticated
        staff    GET /v1/apps                                                         -> 403 forbidden
        guest    POST /v1/apps {"name":"shop"}                                        -> 403 forbidden
        operator POST /v1/apps {"name":""}                                            -> 422 invalid
        operator POST /v1/apps {"name":7}                                             -> 400 malformed
        operator POST /v1/apps {"name":"shop","secret":"mine"}                        -> 400 malformed
        operator POST /v1/apps {}                                                     -> 400 malformed
        operator GET /v1/apps/999999                                                  -> 404 app_not_found
        operator GET /v1/apps/$stranger                                               -> 404 app_not_found
        operator GET /v1/apps/one                                                     -> 404 app_not_found
        operator POST /v1/apps/$stranger/secrets                                      -> 404 app_not_found
        operator DELETE /v1/apps/$stranger                                            -> 404 app_not_found
        operator DELETE /v1/apps/$stranger/secrets/1                                  -> 404 app_not_found
        operator DELETE /v1/apps/$stranger/secrets/one                                -> 404 secret_not_found
        operator DELETE /v1/apps/$stranger/secrets/4294967296                         -> 404 secret_not_found
        staff    DELETE /v1/apps/999999                                               -> 403 forbidden
        guest    DELETE /v1/apps/999999/secrets/1                                     -> 403 forbidden
    "#;
    Scene::open(3).await.refuses(&spaced(table)).await;
}

/// One blank between who and what.
fn spaced(table: &str) -> String {
    let lines = table.lines().map(|line| match line.trim().split_once(' ') {
        Some((who, what)) => format!("{who} {}\n", what.trim_start()),
        None => String::new(),
    });
    lines.collect()
}
