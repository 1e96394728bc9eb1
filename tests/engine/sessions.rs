//! What a registry allows, asked before anything long is begun, and what it keeps, byte for byte.

use envtpl::network::Settings;
use envtpl::registry::{
    Access, Manifest, MediaType, Reason, Repository, Session, Trust, digest_of,
};

use crate::ended::Ended;
use crate::registries::{Account, EXPIRED, Logins, OWNER, READER, Registry};
use crate::servers::bridge;
use crate::workshop::Workshop;

fn repository(registry: &Registry, path: &str) -> Repository {
    registry.name(path).parse().expect("a name")
}

fn open(repository: &Repository) -> Session {
    let opened = Session::open(
        &Settings::default(),
        repository,
        Access::Push,
        &Trust::default(),
    );
    opened.expect("settings").expect("a session")
}

/// The manifest of an image that is one blob, its configuration.
fn image(configuration: &[u8]) -> Manifest {
    let text = format!(
        r#"{{"schemaVersion": 2, "mediaType": "{}", "layers": [], "config": {{"mediaType":
            "application/vnd.oci.image.config.v1+json", "size": {}, "digest": "{}"}}}}"#,
        MediaType::OciImage,
        configuration.len(),
        digest_of(configuration)
    );
    Manifest::new(MediaType::OciImage, text.into_bytes())
}

#[test]
fn an_image_goes_into_a_registry_and_comes_out_byte_for_byte() {
    let registry = Registry::start();
    let session = open(&repository(&registry, "lab/one"));
    session.may_push().expect("allowed");
    let configuration = b"{\"architecture\": \"amd64\"}".as_slice();
    let digest = digest_of(configuration);
    let manifest = image(configuration);
    assert!(!session.has_blob(&digest).expect("asked"));
    let refused = session
        .put_manifest("1", &manifest)
        .expect_err("its blob is missing");
    assert_eq!(refused.reason, Reason::Other);
    let length = configuration.len() as u64;
    session
        .put_blob(&digest, length, &mut &*configuration)
        .expect("sent");
    session.put_manifest("1", &manifest).expect("sent");

    assert_eq!(
        session.manifest("1").expect("asked"),
        Some(manifest.clone())
    );
    let by_digest = session.manifest(&manifest.digest).expect("asked");
    assert_eq!(by_digest, Some(manifest.clone()));
    assert_eq!(session.digest("1").expect("asked"), Some(manifest.digest));
    assert_eq!(session.manifest("2").expect("asked"), None);
    assert_eq!(session.digest("2").expect("asked"), None);
    let rest = session.blob(&digest, 2).expect("asked");
    assert_eq!(rest.status, 206);
    assert_eq!(rest.bytes(100).expect("read"), configuration[2..]);

    let other = open(&repository(&registry, "lab/two"));
    assert!(other.take_over(&digest, "lab/one").expect("asked"));
    assert!(other.has_blob(&digest).expect("asked"));
    assert!(
        !other
            .take_over(&digest_of(b"nothing"), "lab/one")
            .expect("asked")
    );

    // What is not what its digest says is not kept.
    let wrong = digest_of(b"other");
    let refused = session.put_blob(&wrong, length, &mut &*configuration);
    assert!(
        refused.expect_err("refused").said.contains("digest"),
        "by the registry"
    );
    assert!(!session.has_blob(&wrong).expect("asked"));
}

/// What `sources push` says to somebody, which is nothing of packing.
fn refused(shop: &Workshop, registry: &Registry, account: Option<Account>) -> String {
    let logins = match account {
        Some(account) => Logins::of(registry, account),
        None => Logins::none(),
    };
    let name = registry.name("lab/files:1");
    let mut command = shop.command(&["sources", "push", &name]);
    command.env("DOCKER_CONFIG", logins.path());
    let ended = Ended::run(&mut command).expect(3);
    let said = ended.stderr;
    assert!(!said.contains("Packing"), "{said}");
    assert!(
        said.contains(&format!("cannot push to `{}`", registry.name("lab/files"))),
        "{said}"
    );
    said
}

#[test]
fn who_may_not_push_hears_it_before_the_work() {
    let shop = Workshop::new("may-not-push");
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    shop.envtpl(&["sources", "fetch"]).expect(0);
    let log_in = |registry: &Registry| format!("`docker login {}`", registry.address());

    let registry = Registry::with_password();
    let said = refused(&shop, &registry, None);
    assert!(
        said.contains("you are not logged in") && said.contains(&log_in(&registry)),
        "{said}"
    );
    let said = refused(&shop, &registry, Some(READER));
    assert!(said.contains("does not take your login"), "{said}");

    let registry = Registry::with_tokens(300);
    let said = refused(&shop, &registry, None);
    assert!(said.contains("you are not logged in"), "{said}");
    let said = refused(&shop, &registry, Some(READER));
    assert!(said.contains("does not let you do this"), "{said}");
    assert!(
        said.contains("can give you the right") && said.contains(&log_in(&registry)),
        "{said}"
    );
    let said = refused(&shop, &registry, Some(EXPIRED));
    assert!(said.contains("has expired"), "{said}");
    let said = refused(&shop, &registry, Some(("nobody", "nothing")));
    assert!(
        said.contains("does not take your login") && !said.contains("nothing"),
        "{said}"
    );

    let name = registry.name("lab/files:1");
    let logins = Logins::of(&registry, OWNER);
    let mut command = shop.command(&["sources", "push", &name]);
    command.env("DOCKER_CONFIG", logins.path());
    Ended::run(&mut command).expect(0);
}

#[test]
fn a_registry_that_is_not_trusted_or_not_there_is_told_apart() {
    let bridge = bridge();
    let ask = |address: &str, trust: &Trust| {
        let repository: Repository = format!("{address}/lab/x").parse().expect("a name");
        let opened = Session::open(&Settings::default(), &repository, Access::Pull, trust);
        opened
            .expect("settings")
            .map(drop)
            .map_err(|refusal| refusal.reason)
    };
    let plain = Registry::at(&bridge);
    assert_eq!(
        ask(plain.address(), &Trust::default()),
        Err(Reason::NotEncrypted)
    );
    let insecure = Trust {
        insecure: true,
        ..Trust::default()
    };
    assert_eq!(ask(plain.address(), &insecure), Ok(()));

    let certified = Registry::with_certificate(&bridge);
    assert_eq!(
        ask(certified.address(), &Trust::default()),
        Err(Reason::UnknownCertificate)
    );
    assert_eq!(ask(certified.address(), &insecure), Ok(()));
    let known = Trust {
        certificates: vec![certified.authority()],
        ..Trust::default()
    };
    assert_eq!(ask(certified.address(), &known), Ok(()));

    let address = plain.address().to_owned();
    drop(plain);
    assert_eq!(ask(&address, &Trust::default()), Err(Reason::Unreachable));
}
