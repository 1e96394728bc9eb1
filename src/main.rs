//! envtpl, the command line tool.

fn main() {}
