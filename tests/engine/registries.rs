//! Registries of images on this machine, empty at first: open ones, ones that want a login or have a
//! certificate that nobody knows, and ones that refuse in the words of others.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;

use crate::servers::Server;
use crate::workshop::docker;

/// User and password.
pub type Account = (&'static str, &'static str);

/// The account that may do everything.
pub const OWNER: Account = ("owner", "owners-secret");
/// One that may pull and not push, where a registry gives tokens.
pub const READER: Account = ("reader", "readers-secret");
/// One whose password was good until some hours ago, where a registry gives tokens.
pub const EXPIRED: Account = ("expired", "expired-secret");

/// The first account, as `htpasswd -nbB` writes it.
const PASSWORDS: &str = "owner:$2b$05$abcdefghijklmnopqrstuumH2jy8pamDHEvrQRcSTanZXUN0S0cla\n";

/// A registry that runs as long as this lives.
pub struct Registry {
    server: Server,
    /// Who gives tokens.
    _tokens: Option<Server>,
    directory: tempfile::TempDir,
}

impl Registry {
    /// Starts one that this machine's engine reaches and trusts, and that wants no login.
    pub fn start() -> Self {
        Self::at("127.0.0.1")
    }

    /// One on another address of this machine: an engine trusts 127.0.0.0/8 without a certificate,
    /// and nothing else.
    pub fn at(host: &str) -> Self {
        Self::configured(host, |_| Settings::default())
    }

    /// One that wants a user and a password, [`OWNER`].
    pub fn with_password() -> Self {
        Self::configured("127.0.0.1", |directory| {
            let file = directory.join("passwords");
            std::fs::write(&file, PASSWORDS).expect("written");
            Settings {
                auth: format!("auth: {{htpasswd: {{realm: test, path: {file:?}}}}}\n"),
                ..Settings::default()
            }
        })
    }

    /// One that sends whoever comes to a server of tokens, as the public ones do. It has the three
    /// accounts above, and anybody may pull what is below `public/`. Its tokens are good for so many
    /// seconds; below zero they have expired.
    pub fn with_tokens(lifetime: i32) -> Self {
        Self::configured("127.0.0.1", |directory| {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/tokens.py");
            let mut command = Command::new("python3");
            command.arg(script).arg(directory).arg(lifetime.to_string());
            let server = Server::start(command, as_printed);
            let realm = format!("http://{}/token", server.address);
            let bundle = directory.join("tokens.pem");
            Settings {
                auth: format!(
                    "auth: {{token: {{realm: '{realm}', service: test, issuer: test, rootcertbundle: {bundle:?}}}}}\n"
                ),
                tokens: Some(server),
                ..Settings::default()
            }
        })
    }

    /// One with a certificate for its address, of an authority that nobody knows:
    /// [`Self::authority`].
    pub fn with_certificate(host: &str) -> Self {
        Self::configured(host, |directory| {
            certify(directory, host);
            let [certificate, key] = ["host.pem", "host.key"].map(|name| directory.join(name));
            Settings {
                tls: format!(", tls: {{certificate: {certificate:?}, key: {key:?}}}"),
                ..Settings::default()
            }
        })
    }

    fn configured(host: &str, settings: impl FnOnce(&Path) -> Settings) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let Settings { auth, tls, tokens } = settings(directory.path());
        let configuration = directory.path().join("config.yml");
        let data = directory.path().join("data");
        let text = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {data:?}}}}}\n{auth}http: {{addr: '{host}:0'{tls}}}\n"
        );
        std::fs::write(&configuration, text).expect("written");
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&configuration);
        let server = Server::start(command, |line| {
            let (_, address) = line.split_once("listening on ")?;
            let end = address.find(['"', ','])?;
            Some(address[..end].to_owned())
        });
        Self {
            server,
            _tokens: tokens,
            directory,
        }
    }

    /// Its host and port.
    pub fn address(&self) -> &str {
        &self.server.address
    }

    /// The full name of an image in it.
    pub fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.address())
    }

    /// Gives it an image by a name, as somebody who may; the engine keeps that name.
    pub fn push(&self, image: &str, name: &str) -> String {
        let name = self.name(name);
        docker(&["tag", image, &name]).expect(0);
        self.send(&name);
        name
    }

    /// As [`Self::push`], an image of a few bytes that nothing runs in.
    pub fn push_small(&self, name: &str) -> String {
        let name = self.name(name);
        let context = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/small");
        docker(&["build", "--quiet", "--tag", &name, context]).expect(0);
        self.send(&name);
        name
    }

    fn send(&self, name: &str) {
        let logins = Logins::of(self, OWNER);
        let config = logins.path().to_string_lossy();
        docker(&["--config", &*config, "push", "--quiet", name]).expect(0);
    }

    /// The file of the authority that signed its certificate.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    /// The requests that it has answered until now, as its own log has them:
    /// `127.0.0.1 - - [date] "PUT /v2/lab/x/blobs/uploads/… HTTP/1.1" 201 0 "" "docker/26.1.5"`.
    pub fn requests(&self) -> Vec<String> {
        let said = self.server.said();
        let requests = said.lines().filter(|line| line.contains(" HTTP/1.1\" "));
        requests.map(str::to_owned).collect()
    }
}

/// What stands in a registry's configuration beside its address, and who is needed for it.
#[derive(Default)]
struct Settings {
    auth: String,
    tls: String,
    tokens: Option<Server>,
}

/// Something that speaks as a registry does, and refuses whatever is asked of it with a status and an
/// error of the registries' protocol: `403 DENIED "no"`.
pub struct Refusing {
    server: Server,
}

impl Refusing {
    pub fn start(status: u16, code: &str, message: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/refusing.py");
        let mut command = Command::new("python3");
        command.args([script, &status.to_string(), code, message]);
        Self {
            server: Server::start(command, as_printed),
        }
    }

    /// The full name of an image in it.
    pub fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.server.address)
    }
}

/// The first line that a server of ours prints.
fn as_printed(line: &str) -> Option<String> {
    Some(line.trim().to_owned())
}

/// A person's logins at registries: a directory for `DOCKER_CONFIG`.
pub struct Logins {
    directory: tempfile::TempDir,
}

impl Logins {
    /// A person who has never logged in.
    pub fn none() -> Self {
        Self::written("{}")
    }

    /// Somebody's login at a registry, whether it is good or not.
    pub fn of(registry: &Registry, account: Account) -> Self {
        let (user, password) = account;
        let login = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        let address = registry.address();
        Self::written(&format!(
            r#"{{"auths": {{"{address}": {{"auth": "{login}"}}}}}}"#
        ))
    }

    /// Somebody whose logins a program keeps: `docker-credential-NAME`.
    pub fn kept_by(program: &str) -> Self {
        Self::written(&format!(r#"{{"credsStore": "{program}"}}"#))
    }

    fn written(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("config.json"), text).expect("written");
        Self { directory }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Makes an authority in a directory, and a certificate of it for an address.
fn certify(directory: &Path, host: &str) {
    let openssl = |words: &str| {
        let made = Command::new("openssl")
            .args(words.split(' '))
            .current_dir(directory)
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "{made:?}");
    };
    let names = format!("subjectAltName=IP:{host}\n");
    std::fs::write(directory.join("names"), names).expect("written");
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout authority.key -out authority.pem -subj /CN=envtpl-test",
    );
    openssl("req -newkey rsa:2048 -nodes -keyout host.key -out host.csr -subj /CN=registry");
    openssl(
        "x509 -req -in host.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile names -out host.pem",
    );
}
