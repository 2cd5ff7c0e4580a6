//! Running `edgectl`, and a verifier of its own for what comes out.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256,
};
use aws_lc_rs::signature::{RsaParameters, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use edgectl::{KeyPair, KeyPairFiles};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use tempfile::TempDir;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The one query parameter that every request needs.
pub(crate) const SERVICE: &str = "service=container_registry";

/// The example that is shipped is the fixture: it cannot rot.
pub(crate) fn example_users() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("users.example.toml")
}

pub(crate) fn edgectl<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgectl"));
    command.args(arguments);
    command
}

pub(crate) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap().trim_end()
}

pub(crate) fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap().trim_end()
}

/// A pair of 2048 bits that all tests of the process share: large keys are made where size is the subject.
pub(crate) struct SharedPair {
    pub(crate) key: PathBuf,
    pub(crate) certificate: String,
    pub(crate) key_id: String,
    pub(crate) thumbprint: String,
    _folder: TempDir,
}

pub(crate) fn shared_pair() -> &'static SharedPair {
    static PAIR: OnceLock<SharedPair> = OnceLock::new();
    PAIR.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let pair = KeyPair::generate(2048, 1).unwrap();
        let files = KeyPairFiles::named(folder.path(), "shared");
        files.write(&pair).unwrap();
        SharedPair {
            key: files.key,
            key_id: pair.key.key_id().to_owned(),
            thumbprint: pair.key.thumbprint().to_owned(),
            certificate: pair.certificate_pem,
            _folder: folder,
        }
    })
}

/// A token whose signature holds under a certificate's key.
pub(crate) struct Verified {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// The claims as written, for their order.
    pub(crate) payload: String,
}

/// Verifies a token with the public key of a certificate. Shares no code with the crate's signer but AWS-LC.
pub(crate) fn verify(token: &str, certificate_pem: &str) -> Verified {
    let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let text = |part| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let header: Value = serde_json::from_str(&text(header)).unwrap();
    let algorithm: &'static RsaParameters = match header["alg"].as_str().unwrap() {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        other => panic!("alg {other}"),
    };
    let key = UnparsedPublicKey::new(
        algorithm,
        &*certificate.public_key().subject_public_key.data,
    );
    key.verify(
        message.as_bytes(),
        &BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap(),
    )
    .expect("the signature holds");
    let payload = text(payload);
    Verified {
        header,
        claims: serde_json::from_str(&payload).unwrap(),
        payload,
    }
}

/// The entries of `access` in the scope notation.
pub(crate) fn scopes(claims: &Value) -> Vec<String> {
    let entries = claims["access"].as_array().unwrap();
    let actions = |entry: &Value| {
        let actions: Vec<_> = entry["actions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|action| action.as_str().unwrap().to_owned())
            .collect();
        actions.join(",")
    };
    entries
        .iter()
        .map(|entry| {
            format!(
                "{}:{}:{}",
                entry["type"].as_str().unwrap(),
                entry["name"].as_str().unwrap(),
                actions(entry)
            )
        })
        .collect()
}

/// The names of the members of a flat JSON object, in the order of the text.
pub(crate) fn member_order(payload: &str, names: &[&'static str]) -> Vec<&'static str> {
    let mut found: Vec<_> = names
        .iter()
        .filter_map(|name| {
            payload
                .rfind(&format!("\"{name}\":"))
                .map(|position| (position, *name))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).collect()
}

/// A running `edgectl issuer`; killed when dropped.
pub(crate) struct RunningIssuer {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl RunningIssuer {
    pub(crate) fn start(users: &Path, extra: &[&str]) -> Self {
        let mut child = edgectl(["issuer", "--json"])
            .arg("--key")
            .arg(&shared_pair().key)
            .arg("--users")
            .arg(users)
            .args(extra)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told: Value = serde_json::from_str(&line).expect("the first line is JSON");
        let address = told["listening"].as_str().unwrap().parse().unwrap();
        assert_eq!(told["realm"], format!("http://{address}/jwt/auth"));
        Self { child, address }
    }

    pub(crate) fn ask(&self, method: &str, target: &str, headers: &str) -> Response {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: gitlab.test\r\nConnection: close\r\n{headers}\r\n"
        );
        // A server that refuses a request for its size answers and closes before the end of it: neither the
        // failing write nor the reset after the answer is a failure.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Response {
            status,
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(status.unwrap().success());
    }

    /// Kills the process and gives what it wrote to stderr.
    pub(crate) fn end(mut self) -> String {
        self.child.kill().unwrap();
        let mut text = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }
}

impl Drop for RunningIssuer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Response {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) fn basic(login: &str, password: &str) -> String {
    format!(
        "Authorization: Basic {}\r\n",
        BASE64_STANDARD.encode(format!("{login}:{password}"))
    )
}
