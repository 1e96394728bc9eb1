//! What registries refuse, in the engine's words.

use crate::registries::{EXPIRED, Logins, OWNER, READER, Refusing, Registry};
use crate::servers::bridge;
use crate::wire::Wire;
use crate::workshop::{Ended, docker};

/// The engine's command line as somebody with these logins.
fn docker_as(logins: &Logins, arguments: &[&str]) -> Ended {
    let config = logins.path().to_string_lossy();
    docker(&[&["--config", &*config], arguments].concat())
}

/// Removes names of images from the engine.
fn forget(images: &[&str]) {
    docker(&[&["image", "rm", "--force"], images].concat()).expect(0);
}

#[test]
fn nothing_comes_through_a_wire_that_is_cut_and_all_of_it_when_it_is_mended() {
    let registry = Registry::start();
    let image = registry.push_small("lab/x:1");
    let wire = Wire::to(registry.address());
    let through = format!("{}/lab/x:1", wire.address);
    wire.cut_after(500);
    docker(&["pull", &through]).expect(1);
    assert!(wire.is_cut());
    wire.mend();
    docker(&["pull", &through]).expect(0);
    let requests = registry.requests();
    let pushed = |line: &String| line.contains("\"PUT /v2/lab/x/manifests/1 ");
    assert_eq!(requests.iter().filter(|line| pushed(line)).count(), 1);
    forget(&[&through, &image]);
}

#[test]
fn registries_refuse_who_may_not() {
    let tokens = Registry::with_tokens(300);
    let private = tokens.push_small("lab/x:1");
    let public = tokens.push_small("public/x:1");
    let late = Registry::with_tokens(-1);
    let password = Registry::with_password();
    let closed = password.push_small("lab/x:1");
    let wrong = |registry| Logins::of(registry, ("owner", "wrong"));
    let cases = [
        (Logins::none(), "pull", &private, "pull access denied"),
        (
            wrong(&tokens),
            "pull",
            &private,
            "incorrect username or password",
        ),
        (
            Logins::of(&tokens, EXPIRED),
            "pull",
            &private,
            "token has expired",
        ),
        (
            Logins::of(&tokens, READER),
            "push",
            &private,
            "access to the resource is denied",
        ),
        (
            Logins::of(&late, OWNER),
            "pull",
            &late.name("lab/x:1"),
            "authentication required",
        ),
        (Logins::none(), "pull", &closed, "no basic auth credentials"),
        (wrong(&password), "pull", &closed, "authentication required"),
    ];
    for (logins, verb, image, said) in cases {
        docker_as(&logins, &[verb, image]).expect(1).says(said);
    }
    docker_as(&Logins::none(), &["pull", &public]).expect(0);
    docker_as(&Logins::of(&tokens, READER), &["pull", &private]).expect(0);
    docker_as(&Logins::of(&password, OWNER), &["pull", &closed]).expect(0);
    forget(&[&private, &public, &closed]);
}

#[test]
fn the_engine_refuses_registries_that_it_does_not_trust_and_hears_what_others_say() {
    let plain = Registry::at(&bridge());
    let pull = |image: &str| docker(&["pull", image]).expect(1);
    pull(&plain.name("lab/x:1")).says("server gave HTTP response to HTTPS client");
    let unknown = Registry::with_certificate(&bridge());
    pull(&unknown.name("lab/x:1")).says("certificate signed by unknown authority");
    let authority = std::fs::read_to_string(unknown.authority()).expect("a file");
    assert!(authority.starts_with("-----BEGIN CERTIFICATE-----"));
    let busy = Refusing::start(
        429,
        "TOOMANYREQUESTS",
        "You have reached your pull rate limit.",
    );
    pull(&busy.name("lab/x:1")).says("toomanyrequests: You have reached your pull rate limit.");
}
