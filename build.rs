//! The templates are embedded; a file that is new there must rebuild the program as well.

#[expect(clippy::disallowed_macros, reason = "this is how a build script talks")]
fn main() {
    println!("cargo::rerun-if-changed=templates");
}
