//! One connection to the mail server.

use std::io::{self, ErrorKind};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::{Desk, Letter, PASSWORD, SmtpSecurity, USER};
use crate::sinks::plan::Plan;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How a conversation goes on.
enum Next {
    Line,
    /// The client wants TLS.
    Secure,
    End,
}

pub(super) struct Session<'a> {
    desk: &'a Desk,
    stream: BufReader<Box<dyn Stream>>,
    is_secured: bool,
    is_logged_in: bool,
    from: String,
    to: String,
    plan: Plan,
}

impl<'a> Session<'a> {
    pub(super) async fn run(desk: &'a Desk, stream: TcpStream) -> io::Result<()> {
        let is_secured = desk.security == SmtpSecurity::FromTheStart;
        let stream: Box<dyn Stream> =
            if is_secured { Box::new(desk.tls.accept(stream).await?) } else { Box::new(stream) };
        let (from, to, plan) = (String::new(), String::new(), Plan::Take);
        let stream = BufReader::new(stream);
        let mut session = Self { desk, stream, is_secured, is_logged_in: false, from, to, plan };
        session.say("220 mail.example.com ESMTP").await?;
        loop {
            let line = session.line().await?;
            match session.heed(&line).await? {
                Next::Line => (),
                Next::Secure => session = session.secure().await?,
                Next::End => return Ok(()),
            }
        }
    }

    async fn heed(&mut self, line: &str) -> io::Result<Next> {
        let (verb, rest) = line.split_once([' ', ':']).unwrap_or((line, ""));
        let must_secure = !self.is_secured && self.desk.security != SmtpSecurity::None;
        match (verb.to_ascii_uppercase().as_str(), rest) {
            ("EHLO", _) if must_secure => self.say("250-mail.example.com\r\n250 STARTTLS").await?,
            ("EHLO", _) => {
                self.say("250-mail.example.com\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN").await?
            }
            ("STARTTLS", _) if must_secure => {
                self.say("220 go ahead").await?;
                return Ok(Next::Secure);
            }
            ("QUIT", _) => {
                self.say("221 bye").await?;
                return Ok(Next::End);
            }
            ("NOOP" | "RSET", _) => self.say("250 ok").await?,
            _ if must_secure => self.say("530 STARTTLS first").await?,
            ("AUTH", plain) => self.log_in(plain).await?,
            _ if !self.is_logged_in => self.say("530 log in first").await?,
            ("MAIL", rest) => {
                self.from = within(rest);
                self.say("250 ok").await?;
            }
            ("RCPT", rest) => {
                self.to = within(rest);
                return self.recipient().await;
            }
            ("DATA", _) => return self.data().await,
            _ => self.say("502 what?").await?,
        }
        Ok(Next::Line)
    }

    async fn log_in(&mut self, plain: &str) -> io::Result<()> {
        let said = plain.strip_prefix("PLAIN ").and_then(|text| STANDARD.decode(text).ok());
        self.is_logged_in = said == Some(format!("\0{USER}\0{PASSWORD}").into_bytes());
        self.say(if self.is_logged_in { "235 welcome" } else { "535 no" }).await
    }

    /// Plans begin to count here: the letter is not taken yet.
    async fn recipient(&mut self) -> io::Result<Next> {
        self.plan = self.desk.plans.next();
        match &self.plan {
            Plan::Answer { status, .. } | Plan::StallWithin { status } => {
                let refusal = format!("{status} as planned");
                self.say(&refusal).await?;
            }
            Plan::Stall => std::future::pending().await,
            Plan::Take | Plan::Lose => self.say("250 ok").await?,
        }
        Ok(Next::Line)
    }

    async fn data(&mut self) -> io::Result<Next> {
        self.say("354 end with a dot").await?;
        let mut text = String::new();
        loop {
            let line = self.line().await?;
            match line.strip_prefix('.') {
                Some("") => break,
                Some(rest) => text.push_str(rest),
                None => text.push_str(&line),
            }
            text.push('\n');
        }
        let (from, to, is_secured) = (self.from.clone(), self.to.clone(), self.is_secured);
        self.desk.seen.note(Letter { from, to, text, is_secured });
        if self.plan == Plan::Lose {
            return Ok(Next::End);
        }
        self.say("250 taken").await?;
        Ok(Next::Line)
    }

    async fn secure(self) -> io::Result<Self> {
        let stream = self.desk.tls.accept(self.stream.into_inner()).await?;
        Ok(Self { stream: BufReader::new(Box::new(stream)), is_secured: true, ..self })
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }
}

/// `FROM:<a@b> ...` as `a@b`.
fn within(text: &str) -> String {
    let address = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    address.map_or_else(String::new, |(address, _)| address.to_owned())
}
