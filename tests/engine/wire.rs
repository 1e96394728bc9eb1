//! A way to a server of this machine that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// No end.
const WHOLE: u64 = u64::MAX;

/// Listens on an address of its own and passes on what comes, in both directions.
pub struct Wire {
    /// Where it listens.
    pub address: String,
    /// Bytes that still come through.
    left: Arc<AtomicU64>,
}

impl Wire {
    /// One to a server, whole at first.
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let left = Arc::new(AtomicU64::new(WHOLE));
        let (server, shared) = (server.to_owned(), left.clone());
        // It listens until the test program ends.
        std::thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else {
                    continue;
                };
                connect(visitor, server, &shared);
            }
        });
        Self { address, left }
    }

    /// After so many bytes more, of both directions together, all connections end in the middle of
    /// what they carry, and so do new ones, until it is mended.
    pub fn cut_after(&self, bytes: u64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    /// Whether it is cut.
    pub fn is_cut(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    /// New connections go through again.
    pub fn mend(&self) {
        self.left.store(WHOLE, Ordering::SeqCst);
    }
}

fn connect(visitor: TcpStream, server: TcpStream, left: &Arc<AtomicU64>) {
    for (from, to) in [(&visitor, &server), (&server, &visitor)] {
        let from = from.try_clone().expect("a copy");
        let to = to.try_clone().expect("a copy");
        let left = left.clone();
        std::thread::spawn(move || pass_on(from, to, &left));
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, left: &AtomicU64) {
    let mut block = [0; 16 << 10];
    loop {
        let Ok(read @ 1..) = from.read(&mut block) else {
            // The other direction may still have something to say.
            drop(to.shutdown(Shutdown::Write));
            return;
        };
        let read = read as u64;
        let less = |left: u64| match left {
            WHOLE => WHOLE,
            left => left.saturating_sub(read),
        };
        let before = left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(less(left)))
            .expect("always updated");
        let passed = usize::try_from(read.min(before)).expect("a block");
        let written = to.write_all(&block[..passed]);
        if written.is_err() || before <= read {
            drop(from.shutdown(Shutdown::Both));
            drop(to.shutdown(Shutdown::Both));
            return;
        }
    }
}
