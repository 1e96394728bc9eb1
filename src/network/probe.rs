//! Whether a server of this machine answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a server of this machine may think.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a server that speaks HTTP answers there, whatever it says. That somebody listens is no
/// proof: an engine does so for a port that it publishes before the server in the container does.
pub fn speaks_http(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET / HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
        let mut start = [0; 5];
        stream.read_exact(&mut start)?;
        Ok(&start == b"HTTP/")
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn only_an_answer_counts() {
        for (says, answers) in [
            ("HTTP/1.1 302 Found\r\n\r\n", true),
            ("SSH-2.0-x\r\n", false),
            ("", false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = listener.local_addr().expect("an address");
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("somebody");
                let mut asked = Vec::new();
                let mut byte = [0];
                // To its end: what is not read is answered by a reset.
                while !asked.ends_with(b"\r\n\r\n") {
                    stream.read_exact(&mut byte).expect("a question");
                    asked.push(byte[0]);
                }
                stream.write_all(says.as_bytes()).expect("said");
            });
            assert_eq!(speaks_http(address), answers, "{says}");
            server.join().expect("it ends");
        }
    }
}
