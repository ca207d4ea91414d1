//! A gate from a file of keys to a file of used codes.

use clap::Parser;
use ed25519_dalek::SigningKey;
use holdfast_codes::KeyId;
use serde_json::json;

use super::*;

/// The public half of a secret key of 32 sevens, as nodes list it.
const X: &str = "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw";

const CODE: Code = Code {
    key: KeyId { node: 1, generation: 1 },
    cluster: 1,
    venue: 2,
    booking: 7,
    slot: 3,
    party_size: 4,
    valid_from_ms: 1_800_000_000_000,
    valid_until_ms: 1_800_003_600_000,
    revision: 1,
};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    arguments: ScanArguments,
}

struct World {
    folder: tempfile::TempDir,
}

fn signed(code: Code) -> String {
    code.sign(&SigningKey::from_bytes(&[7; 32]))
}

impl World {
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        let cluster = format!("{:032x}", 1_u128 << 64);
        let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "1-1", "x": X});
        fs::write(world.path("keys.json"), json!({"cluster": cluster, "keys": [key]}).to_string()).unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn arguments(&self, more: &[&str]) -> ScanArguments {
        let keys = self.path("keys.json").display().to_string();
        let first = ["scan", "--keys", &keys, "--at", "2027-01-15T08:00:00Z"];
        Command::try_parse_from(first.iter().chain(more)).unwrap().arguments
    }

    /// Judges lines, one scanner after the other, and says what each was told.
    fn lines(&self, codes: &[&str], more: &[&str]) -> Result<Vec<String>, Failure> {
        let arguments = self.arguments(more);
        let mut scanner = Scanner::new(&arguments)?;
        let now = arguments.at.unwrap();
        codes.iter().map(|code| scanner.judge(code, now).map(|verdict| verdict.to_line())).collect()
    }
}

#[test]
fn a_good_code_is_let_in_and_a_bad_one_is_a_refusal() {
    let world = World::new();
    let (good, late) = (signed(CODE), signed(Code { valid_until_ms: CODE.valid_from_ms, ..CODE }));
    let url = format!("https://h/q/{good}.png?exp=1&sig=x");
    assert_eq!(
        world.lines(&[&good, &url, &late, "HF2"], &[]).unwrap(),
        [
            "admitted  booking 7, slot 3, party of 4",
            "admitted  booking 7, slot 3, party of 4",
            "refused   too_late: this code is no longer valid (2027-01-15T08:00:00Z)",
            "refused   malformed: this is not a code, or it was not read whole",
        ]
    );
    assert!(scan(&world.arguments(&[&good])).is_ok());
    assert_eq!(scan(&world.arguments(&[&good, &late])).unwrap_err().exit_code(), 6);
}

#[test]
fn a_booking_is_let_in_once_and_the_second_scan_says_when_and_where() {
    let world = World::new();
    let used = world.path("used").display().to_string();
    let (code, newer) = (signed(CODE), signed(Code { revision: 2, ..CODE }));
    let scan = |code: &str, scanner| {
        world.lines(&[code], &["--used", &used, "--scanner", scanner]).unwrap().remove(0)
    };
    assert_eq!(scan(&code, "gate 1"), "admitted  booking 7, slot 3, party of 4");
    let again = "refused   already_used: at 2027-01-15T08:00:00Z by gate 1 (booking 7, slot 3, party of 4)";
    assert_eq!(scan(&code, "gate 2"), again);
    assert_eq!(scan(&newer, "gate 2"), again);
    assert_eq!(fs::read_to_string(&used).unwrap().lines().count(), 1);
}

#[test]
fn scanners_that_share_a_file_hear_of_each_other() {
    let world = World::new();
    let path = world.path("used");
    let (mut one, mut two) = (UsedCodes::open(&path).unwrap(), UsedCodes::open(&path).unwrap());
    let used = |by: &str| Used { at: Timestamp::UNIX_EPOCH, by: by.to_owned() };
    assert_eq!(one.admit(&CODE, used("one")).unwrap(), None);
    assert_eq!(two.admit(&CODE, used("two")).unwrap(), Some(used("one")));
    assert_eq!(two.admit(&Code { booking: 8, ..CODE }, used("two")).unwrap(), None);
    assert_eq!(one.admit(&Code { booking: 8, ..CODE }, used("one")).unwrap(), Some(used("two")));
}

#[test]
fn a_line_that_was_torn_is_cut_off_and_anything_else_is_left_alone() {
    let world = World::new();
    let path = world.path("used");
    let used = || Used { at: Timestamp::UNIX_EPOCH, by: "one".to_owned() };
    UsedCodes::open(&path).unwrap().admit(&CODE, used()).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    for end in 1..whole.len() {
        fs::write(&path, format!("{whole}{}", &whole[..end])).unwrap();
        UsedCodes::open(&path).unwrap();
        let is_cut = fs::read_to_string(&path).unwrap() == whole;
        assert!(is_cut, "{end}");
    }
    for other in ["{\"keys\":[]}", "{\"keys\":[]}\n", "\n"] {
        fs::write(&path, other).unwrap();
        assert_eq!(UsedCodes::open(&path).err().unwrap().exit_code(), 2);
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }
}

#[test]
fn revoked_codes_and_files_that_cannot_be_used_are_told_apart() {
    let world = World::new();
    let revoked = world.path("revoked.json");
    fs::write(&revoked, r#"{"items":[{"bookingId":7,"codeRevision":2}]}"#).unwrap();
    let revoked = revoked.display().to_string();
    let code = signed(CODE);
    assert_eq!(scan(&world.arguments(&[&code, "--revoked", &revoked])).unwrap_err().exit_code(), 6);
    assert_eq!(scan(&world.arguments(&[&code, "--revoked", "/nowhere"])).unwrap_err().exit_code(), 2);
    fs::write(world.path("keys.json"), "{}").unwrap();
    assert_eq!(scan(&world.arguments(&[&code])).unwrap_err().exit_code(), 2);
}

#[test]
fn a_program_is_told_everything_in_one_object() {
    let verdict = Verdict::AlreadyUsed(CODE, Used { at: Timestamp::UNIX_EPOCH, by: "one".to_owned() });
    assert_eq!(
        verdict.to_json(),
        json!({
            "admitted": false, "reason": "already_used", "usedAt": "1970-01-01T00:00:00Z", "usedBy": "one",
            "bookingId": 7, "slotId": 3, "venueId": 2, "partySize": 4, "codeRevision": 1, "kid": "1-1",
            "validFrom": "2027-01-15T08:00:00Z", "validUntil": "2027-01-15T09:00:00Z",
        })
    );
    let early = Verdict::Refused(Refusal::TooEarly { valid_from_ms: 0 }).to_json();
    assert_eq!(
        (&early["reason"], &early["validFrom"]),
        (&json!("too_early"), &json!("1970-01-01T00:00:00Z"))
    );
}
