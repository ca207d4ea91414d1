//! What somebody can sign who has the key of a node, before and after it is retired: over a cluster of one node, whose
//! own key is the stolen one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use holdfast_reservations::{
    LogIn, ReadTyped as _, RegisterNodeKey, RequestKey, RetireNodeKeys, Session, SessionId, SignUp,
};
use serde_json::{Value, json};

use super::*;
use crate::accounts::tokens::{Opened, TokenPair};
use crate::codes::{Format, ImageUrl};

/// Long enough for any step on a loaded machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// How far ahead a thief dates what he signs, in seconds.
const AHEAD: u64 = 3600;

struct Scene {
    service: Service,
    session: SessionId,
    genuine: TokenPair,
    _dir: tempfile::TempDir,
}

fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

fn call(key: u8) -> CallContext {
    let id = RequestId { key: RequestKey::Uuid([key; 16]), payload_hash: 7 };
    CallContext { id, deadline: deadline() }
}

fn code<T>(result: Result<T>) -> &'static str {
    result.err().map_or("taken", |problem| problem.code)
}

/// A part of a token.
fn part(token: &str, nth: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(nth).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn claim(token: &str, name: &str) -> u64 {
    part(token, 1)[name].as_u64().unwrap()
}

impl Scene {
    async fn open() -> Self {
        let (dir, metrics) = (tempfile::tempdir().unwrap(), Metrics::default());
        let replica = holdfast_raft::alone::found(dir.path(), Arc::new(metrics.clone())).await.unwrap();
        replica.recovered(deadline()).await.unwrap();
        let service = Service::new(replica, metrics, FacadeSettings::default());
        let (node, own) = (service.replica().identity().node, service.replica().own_key());
        let public_key = own.signing_key.verifying_key().to_bytes();
        let register = RegisterNodeKey { node, generation: own.generation, public_key };
        let register = Command::RegisterNodeKey(register);
        service.submit(Principal::Internal, register, &call(100)).await.unwrap();
        let (email, name, password_hash) = ("mia@example.com".to_owned(), "Mia".to_owned(), "$h".to_owned());
        let sign_up = Command::SignUp(SignUp { email, name, password_hash });
        let outcome = service.submit(Principal::Anonymous, sign_up, &call(101)).await.unwrap().0;
        let Outcome::User(user, _) = outcome else { panic!("{outcome:?}") };
        let log_in = Command::LogIn(LogIn { user, token_version: 0 });
        let outcome = service.submit(Principal::Internal, log_in, &call(102)).await.unwrap().0;
        let Outcome::Session { session, user, sequence, token_version, expires_at } = outcome else {
            panic!("{outcome:?}")
        };
        let opened = Opened { session, user, sequence, token_version, expires_at };
        let genuine = service.parts.tokens.pair(&opened);
        Self { service, session, genuine, _dir: dir }
    }

    /// A token as another one is, with other claims, signed with the stolen key.
    fn forge(&self, like: &str, claims: &[(&str, u64)]) -> String {
        let mut all = part(like, 1);
        for (name, value) in claims {
            all[*name] = json!(value);
        }
        let claims = URL_SAFE_NO_PAD.encode(all.to_string());
        let signed = format!("{}.{claims}", like.split('.').next().unwrap());
        format!("{signed}.{}", self.sign(&signed))
    }

    fn sign(&self, message: &str) -> String {
        let key = self.service.replica().own_key();
        URL_SAFE_NO_PAD.encode(key.signing_key.sign(message.as_bytes()).to_bytes())
    }

    async fn retire_key(&self) {
        let key = (self.service.replica().identity().node, self.service.replica().own_key().generation);
        let retire = Command::RetireNodeKeys(RetireNodeKeys { keys: vec![key] });
        let outcome = self.service.submit(Principal::Internal, retire, &call(103)).await.unwrap().0;
        assert_eq!(outcome, Outcome::NodeKeysRetired(1));
    }

    async fn access(&self, token: &str) -> &'static str {
        code(self.service.parts.tokens.verify_access(token, self.service.now(), deadline()).await)
    }

    async fn refresh(&self, token: &str, key: u8) -> &'static str {
        code(self.service.refresh(token, &call(key)).await)
    }

    /// The keys that verifiers of tokens are told of.
    async fn listed(&self) -> Value {
        self.service.keys().to_json(900, Consistency::Linearizable, deadline()).await.unwrap().value
    }

    /// The number of the newest token of the session, while it lasts.
    fn newest(&self) -> Option<u64> {
        let find = |view: &View<'_>| view.row::<Session>(self.session).map(|session| session.sequence);
        self.service.replica().look(find).unwrap().0
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_that_is_dated_later_counts_no_more_though_it_was_verified_before() {
    let scene = Scene::open().await;
    let genuine = scene.genuine.access.as_str();
    let (iat, exp) = (claim(genuine, "iat"), claim(genuine, "exp"));
    let later = scene.forge(genuine, &[("iat", iat + AHEAD), ("exp", exp + AHEAD)]);
    let for_long = scene.forge(genuine, &[("exp", exp + 1)]);
    for token in [genuine, &later, &for_long] {
        assert_eq!(scene.access(token).await, "taken", "a member's key is believed, and remembered");
    }
    scene.retire_key().await;
    assert_eq!(scene.access(&later).await, "unauthenticated");
    assert_eq!(scene.access(&for_long).await, "unauthenticated");
    assert_eq!(scene.access(genuine).await, "taken");
    let listed = scene.listed().await;
    assert_eq!(listed["keys"].as_array().unwrap().len(), 1, "others verify what it signed before: {listed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_refresh_token_ends_no_session() {
    let scene = Scene::open().await;
    let genuine = scene.genuine.refresh.as_str();
    let exp = claim(genuine, "exp");
    scene.retire_key().await;
    let later = scene.forge(genuine, &[("exp", exp + AHEAD)]);
    assert_eq!(scene.refresh(&later, 1).await, "unauthenticated", "it is dated after the retirement");
    let other_session = scene.forge(genuine, &[("sid", scene.session.0 + 1)]);
    let other_moment = scene.forge(genuine, &[("exp", exp - 60)]);
    let other_token = scene.forge(genuine, &[("seq", 7)]);
    let both = scene.forge(genuine, &[("seq", 1), ("exp", exp - 60)]);
    for (key, forged) in (2..).zip([other_session, other_moment, other_token, both]) {
        assert_eq!(scene.refresh(&forged, key).await, "session_invalid");
        assert_eq!(scene.newest(), Some(0));
    }
    assert_eq!(scene.refresh(genuine, 10).await, "taken");
    assert_eq!(scene.refresh(genuine, 10).await, "taken", "a retry gets the first answer");
    assert_eq!(scene.refresh(genuine, 11).await, "session_invalid");
    assert_eq!(scene.newest(), Some(1), "who repeats a token of a retired key need not be a thief's victim");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_revoked_key_has_signed_is_void_and_it_signs_nothing_more() {
    let scene = Scene::open().await;
    let genuine = scene.genuine.access.as_str();
    assert_eq!(scene.access(genuine).await, "taken");
    let adopt = holdfast_reservations::AdoptEdition { edition: holdfast_reservations::Edition::LATEST };
    let adopt = Command::AdoptEdition(adopt);
    scene.service.submit(Principal::Internal, adopt, &call(103)).await.unwrap();
    let (node, own) = (scene.service.replica().identity().node, scene.service.replica().own_key());
    let key = holdfast_reservations::NodeKeyId { node, generation: own.generation };
    let email = "olga@example.com".to_owned();
    let operator =
        holdfast_reservations::CreateOperator { email, name: "Olga".into(), password_hash: "$h".into() };
    let made = Command::CreateOperator(operator);
    let outcome = scene.service.submit(Principal::Internal, made, &call(104)).await.unwrap().0;
    let Outcome::User(user, _) = outcome else { panic!("{outcome:?}") };
    let olga = Principal::User { user, token_version: 0 };
    let revoke = Command::RevokeNodeKey(holdfast_reservations::RevokeNodeKey { key });
    scene.service.submit(olga, revoke, &call(105)).await.unwrap();
    assert_eq!(scene.access(genuine).await, "unauthenticated");
    assert_eq!(scene.refresh(&scene.genuine.refresh, 1).await, "unauthenticated");
    assert_eq!(code(scene.service.codes().signer().map(drop)), "key_revoked");
    let told = scene.listed().await;
    assert_eq!(told["keys"].as_array().unwrap().len(), 0, "{told}");
    let told = scene.service.keys().of_codes(Consistency::Linearizable, deadline()).await.unwrap().value;
    assert_eq!(told["keys"][0]["status"], "revoked", "{told}");
    assert!(holdfast_codes::Keyring::from_json(&told.to_string()).is_ok(), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_url_of_an_image_that_is_dated_later_is_refused() {
    let scene = Scene::open().await;
    let codes = scene.service.codes();
    let signer = codes.signer().unwrap();
    let (path, _) = codes.path(&signer, "HF2AIAA", scene.service.now());
    let (token, query) = path.strip_prefix("/q/").unwrap().split_once(".png?exp=").unwrap();
    let (expires, signature) = query.split_once("&sig=").unwrap();
    let expires: u64 = expires.parse().unwrap();
    let (kid, _) = signature.split_once('.').unwrap();
    let cluster = scene.service.replica().identity().cluster;
    let later = expires + AHEAD;
    let forged = scene.sign(&format!("holdfast-url:1:{cluster}:{token}:{later}"));
    let forged = format!("{kid}.{forged}");
    let draw = async |expires, signature: &str| {
        let url = ImageUrl { token, expires, signature };
        code(scene.service.image(&url, Format::Svg, deadline()).await)
    };
    assert_eq!((draw(later, &forged).await, draw(expires, signature).await), ("taken", "taken"));
    scene.retire_key().await;
    assert_eq!((draw(later, &forged).await, draw(expires, signature).await), ("bad_signature", "taken"));
}
