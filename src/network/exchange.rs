//! Questions in any form and their answers as they come, for servers with a protocol of their own.

use std::io::Read;

use ureq::http::{HeaderMap, Method, Request};
use ureq::{AsSendBody, SendBody};

use crate::network::client::{Client, Failure};

/// What is sent with a question.
pub enum Body<'a> {
    /// Nothing.
    None,
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many bytes of a reader.
    Stream(&'a mut (dyn Read + Send), u64),
}

/// A question to a server.
pub struct Question<'a, 'b> {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: Method,
    /// The address, without a user name.
    pub address: &'a str,
    /// Headers, by name.
    pub headers: Vec<(&'static str, &'a str)>,
    /// What is sent with it.
    pub body: Body<'b>,
}

impl<'a, 'b> Question<'a, 'b> {
    /// One with neither headers nor body.
    pub fn new(method: Method, address: &'a str) -> Self {
        Self {
            method,
            address,
            headers: Vec::new(),
            body: Body::None,
        }
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With a body.
    pub fn body(mut self, body: Body<'b>) -> Self {
        self.body = body;
        self
    }
}

/// What a server answered, whatever its status.
pub struct Reply {
    /// The status of HTTP.
    pub status: u16,
    headers: HeaderMap,
    /// What it sent, still to be read.
    pub body: Box<dyn Read + Send>,
}

impl Reply {
    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers of a name.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let all = self.headers.get_all(name).into_iter();
        all.filter_map(|value| value.to_str().ok())
    }

    /// The whole body; not more than `limit` bytes are read.
    ///
    /// # Errors
    /// When it is longer, or the connection breaks.
    pub fn bytes(self, limit: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let read = self.body.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|source| Failure::passing(source.to_string()))?;
        match bytes.len() as u64 > limit {
            true => Err(Failure::lasting("the answer is too long")),
            false => Ok(bytes),
        }
    }
}

impl Client {
    /// Asks a server, and gives its answer whatever its status. No stored login is sent along; what
    /// stands in the headers is not sent on to where the server refers to.
    ///
    /// # Errors
    /// When no server answers.
    pub fn exchange(&self, question: Question<'_, '_>) -> Result<Reply, Failure> {
        let Question {
            method,
            address,
            headers,
            body,
        } = question;
        let length = match &body {
            Body::Stream(_, length) => Some(length.to_string()),
            Body::None if method == Method::POST || method == Method::PUT => Some("0".to_owned()),
            _ => None,
        };
        let length = length.iter().map(|length| ("content-length", &**length));
        let request = headers.into_iter().chain(length).fold(
            Request::builder().method(method).uri(address),
            |request, (name, value)| request.header(name, value),
        );
        let answer = match body {
            Body::None => self.run(address, request.body(())),
            Body::Bytes(bytes) => self.run(address, request.body(bytes)),
            Body::Stream(reader, _) => {
                self.run(address, request.body(SendBody::from_reader(reader)))
            }
        }?;
        let (parts, body) = answer.into_parts();
        Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: Box::new(body.into_with_config().limit(u64::MAX).reader()),
        })
    }

    fn run(
        &self,
        address: &str,
        request: Result<Request<impl AsSendBody>, ureq::http::Error>,
    ) -> Result<ureq::http::Response<ureq::Body>, Failure> {
        let request = request.map_err(|source| Failure::lasting(source.to_string()))?;
        self.agent(address)
            .run(request)
            .map_err(|error| Failure::without_answer(&error))
    }
}
