//! `holdfast cert new`: an authority of one's own, and certificates that it signs, for trying TLS out.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::json;

use crate::failure::Failure;
use crate::output::{OutputFormat, print_line};

/// What can be done with certificates.
#[derive(Debug, Subcommand)]
pub enum CertVerb {
    /// Make a certificate for a node, and the authority that signs it if there is none yet
    New(NewArguments),
}

/// For whom, and where.
#[derive(Debug, Args)]
pub struct NewArguments {
    /// Names and addresses at which clients find the node
    #[arg(long, value_name = "HOST,..", value_delimiter = ',', required = true)]
    host: Vec<String>,
    /// The folder of the files: ca.pem, ca.key, NAME.pem, NAME.key
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// What the files of the node are called
    #[arg(long, default_value = "node")]
    name: String,
    /// How to print
    #[arg(short, long, value_enum, default_value = "table")]
    output: OutputFormat,
}

/// Does it.
///
/// # Errors
///
/// See [`Failure`]. No file is ever overwritten.
pub fn cert(verb: &CertVerb) -> Result<(), Failure> {
    let CertVerb::New(arguments) = verb;
    let NewArguments { host, out, name, output } = arguments;
    fs::create_dir_all(out)?;
    let authority = authority(out)?;
    let key = KeyPair::generate().map_err(Failure::other)?;
    let mut parameters =
        CertificateParams::new(host.clone()).map_err(|error| Failure::Usage(error.to_string()))?;
    parameters.distinguished_name.push(DnType::CommonName, &host[0]);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = parameters.signed_by(&key, &authority).map_err(Failure::other)?;
    let (cert_path, key_path) = (out.join(format!("{name}.pem")), out.join(format!("{name}.key")));
    write(&key_path, &key.serialize_pem(), PRIVATE)?;
    write(&cert_path, &certificate.pem(), PUBLIC)?;
    let shown = |path: &Path| path.display().to_string();
    let ca = shown(&out.join("ca.pem"));
    let made = json!({"cert": shown(&cert_path), "key": shown(&key_path), "ca": ca});
    match output {
        OutputFormat::Json => print_line(&made.to_string()),
        OutputFormat::Table => {
            print_line(&format!("--tls-cert {} --tls-key {}", shown(&cert_path), shown(&key_path)));
            eprintln!("Clients trust it with --ca {ca}");
        }
    }
    Ok(())
}

const PUBLIC: u32 = 0o644;
const PRIVATE: u32 = 0o600;

/// The authority of a folder, made if there is none.
fn authority(out: &Path) -> Result<Issuer<'static, KeyPair>, Failure> {
    let (cert_path, key_path) = (out.join("ca.pem"), out.join("ca.key"));
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, "Holdfast authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    if cert_path.exists() {
        let text = fs::read_to_string(&key_path)
            .map_err(|error| Failure::Other(format!("{}: {error}", key_path.display())))?;
        let key = KeyPair::from_pem(&text)
            .map_err(|error| Failure::Other(format!("{}: {error}", key_path.display())))?;
        // The names of an authority that this verb has made are always the same.
        return Ok(Issuer::new(parameters, key));
    }
    let key = KeyPair::generate().map_err(Failure::other)?;
    let certificate = parameters.self_signed(&key).map_err(Failure::other)?;
    write(&key_path, &key.serialize_pem(), PRIVATE)?;
    write(&cert_path, &certificate.pem(), PUBLIC)?;
    Ok(Issuer::new(parameters, key))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let unwritable = |error: std::io::Error| {
        if error.kind() == ErrorKind::AlreadyExists {
            return Failure::Usage(format!("{} is there already; it is not overwritten", path.display()));
        }
        Failure::Other(format!("{}: {error}", path.display()))
    };
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(unwritable)?;
    file.write_all(text.as_bytes()).map_err(unwritable)
}
