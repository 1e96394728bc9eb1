//! The door to the network: fetching files over HTTP and HTTPS, and which ports are free. Whatever
//! else goes over the network, the engine and git do.

mod client;
mod exchange;
mod forward;
mod login;
mod loopback;
mod names;
mod ports;
mod probe;
mod proxy;

pub use client::{Answer, Client, Failure, Settings, base64};
pub use exchange::{Body, Question, Reply};
pub use login::{Login, host_with_port};
pub use loopback::is_loopback;
pub use ports::Port;
pub use probe::speaks_http;
pub use ureq::http::Method;
