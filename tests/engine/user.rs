//! The user layer: any user, any group, any number.

use crate::workshop::Workshop;

#[test]
fn the_user_is_who_was_asked_for_whoever_is_in_the_base() {
    let shop = Workshop::new("ids");
    shop.envtpl(&["build-generic"]).expect(0);
    for (user, uid, group, gid) in [
        ("alice", 1234, "alice", 1234),
        // Names and numbers that a Debian base has already, for others.
        ("www-data", 33, "www-data", 33),
        ("games", 1500, "games", 1500),
        ("joe", 33, "labgrp", 33),
        ("joe", 1000, "users", 1000),
        // A number from a directory service; a log of logins indexed by it would take 500 GB.
        ("joe", 1_885_580_785, "domain users", 1_885_000_513),
        ("root", 0, "root", 0),
    ] {
        shop.person(user, uid, group, gid);
        shop.envtpl(&["build-user"]).expect(0);
        let tag = if user == "root" { "user-root" } else { user };
        let seen = shop
            .in_image(
                &format!("run-latest-{tag}"),
                "id -u; id -g; id -un; id -gn; stat -c %u:%g \"$HOME\"; du -sm /var/log | cut -f1",
            )
            .expect(0);
        let seen: Vec<&str> = seen.stdout.lines().collect();
        let owner = format!("{uid}:{gid}");
        let expected = [&uid.to_string(), &gid.to_string(), user, group, &owner];
        assert_eq!(seen[..5], expected);
        let megabytes: u32 = seen[5].parse().expect("a number");
        assert!(megabytes < 10, "{megabytes} MB of logs");
    }
}

#[test]
fn further_groups_are_there_too() {
    let shop = Workshop::new("groups");
    shop.set("GROUPS", "lab:4242,data:4243");
    shop.envtpl(&["build-user"]).expect(0);
    let groups = shop.in_image("run-latest-alice", "id -G; id -Gn").expect(0);
    assert_eq!(groups.stdout, "1234 4242 4243\nalice lab data\n");
}

#[test]
fn settings_that_cannot_be_are_refused_at_their_line() {
    let shop = Workshop::new("settings");
    for (key, value, why) in [
        ("IMAGE_NAME", "Lab/x", "upper case"),
        ("USRID", "abc", "no number"),
        ("USR", "a:b", "holds `:`"),
        ("PROJECT_NAME", "TinyProj", "begins with"),
        ("PROJECT_ROOT_AT", "relative", "begin with `/`"),
    ] {
        let before = shop.read(".env");
        shop.set(key, value);
        shop.envtpl(&["build-user"])
            .expect(2)
            .says(key)
            .says(why)
            .says(".env:");
        shop.write(".env", &before);
    }
    assert!(shop.tags().is_empty());
}

#[test]
fn sudo_asks_for_no_password_in_dev_and_is_not_in_run() {
    let shop = Workshop::new("sudo");
    shop.envtpl(&["build-user"]).expect(0);
    let root = shop.in_image("dev-latest-alice", "sudo -n id -u").expect(0);
    assert_eq!(root.stdout, "0\n");
    shop.in_image("run-latest-alice", "sudo -n id -u")
        .expect(127);
}
