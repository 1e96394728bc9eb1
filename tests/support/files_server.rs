//! A small server of files over HTTP: it can cut an answer, it knows `Range`, and it remembers
//! what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The server; it ends with the test program.
pub struct FilesServer {
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    files: BTreeMap<String, Vec<u8>>,
    cuts: Vec<(String, usize)>,
    asked: Vec<String>,
}

impl FilesServer {
    /// A server on any free port of this machine alone.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let shared = Arc::new(Mutex::new(Shared::default()));
        let server = Self {
            address,
            shared: Arc::clone(&shared),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || answer(stream, &shared));
            }
        });
        server
    }

    /// Serves bytes below a path; gives their address.
    pub fn serve(&self, path: &str, bytes: impl Into<Vec<u8>>) -> String {
        let mut shared = self.shared.lock().expect("whole");
        shared.files.insert(path.to_owned(), bytes.into());
        format!("{}{path}", self.address)
    }

    /// Closes the connection after so many bytes of the next answer for a path; may be said
    /// several times.
    pub fn cut(&self, path: &str, after: usize) {
        let mut shared = self.shared.lock().expect("whole");
        shared.cuts.push((path.to_owned(), after));
    }

    /// What was asked since the last time: `GET /path`, and what stands in the headers that count.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().expect("whole").asked)
    }
}

fn answer(mut stream: TcpStream, shared: &Mutex<Shared>) {
    let mut lines = BufReader::new(stream.try_clone().expect("a copy")).lines();
    while let Some(Ok(first)) = lines.next() {
        let mut asked = first.trim_end_matches(" HTTP/1.1").to_owned();
        let mut from = 0;
        for line in lines.by_ref().map_while(Result::ok) {
            let lower = line.to_lowercase();
            if let Some(range) = lower.strip_prefix("range: bytes=") {
                from = range.trim_end_matches('-').parse().expect("a number");
            }
            let counts = ["range:", "authorization:", "proxy-authorization:"];
            if counts.iter().any(|name| lower.starts_with(name)) {
                asked = format!("{asked} {line}");
            }
            if line.is_empty() {
                break;
            }
        }
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let (file, cut) = {
            let mut shared = shared.lock().expect("whole");
            shared.asked.push(asked);
            let cut = shared.cuts.iter().position(|(cut, _)| *cut == path);
            let cut = cut.map(|index| shared.cuts.remove(index).1);
            (shared.files.get(&path).cloned(), cut)
        };
        let (head, body) = match file {
            None => ("404 Not Found\r\n".to_owned(), Vec::new()),
            Some(bytes) if from > 0 && from >= bytes.len() => {
                ("416 Range Not Satisfiable\r\n".to_owned(), Vec::new())
            }
            Some(bytes) if from > 0 => (
                format!(
                    "206 Partial Content\r\ncontent-range: bytes {from}-{}/{}\r\n",
                    bytes.len() - 1,
                    bytes.len()
                ),
                bytes[from..].to_vec(),
            ),
            Some(bytes) => ("200 OK\r\n".to_owned(), bytes),
        };
        let head = format!("HTTP/1.1 {head}content-length: {}\r\n\r\n", body.len());
        let sent = &body[..cut.unwrap_or(body.len()).min(body.len())];
        let written = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(sent));
        if written.is_err() || cut.is_some() {
            return;
        }
    }
}
