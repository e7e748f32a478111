//! The message of a request, read whole before anything is made of it: of a length, in a time, and read the same
//! way here and behind here. What a session would keep of it is bounded more closely than what is forgotten.

use super::{Answer, say};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    StatusCode,
    body::{Body, Bytes},
};
use interlock_protocol::hello;
use rmcp::model::RequestId;
use serde::{Deserialize, de::IgnoredAny};
use std::{error::Error, time::Duration};

/// The longest message.
pub(super) const MAX_BODY: usize = 4 << 20;
/// The longest introduction of a client, all of which would be kept.
const MAX_HELLO: usize = 64 << 10;
/// How long a client may take to send a message.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// What is looked at here. A name that is there twice could be read as the one here and as the other behind here: that is
/// an error.
#[derive(Deserialize)]
struct Head {
    method: Option<String>,
    id: Option<Id>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    /// As it is read behind here: `1.0` is `1` there too.
    Known(RequestId),
    Other(IgnoredAny),
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) bytes: Bytes,
    /// The id of a question.
    pub(super) asks: Option<RequestId>,
}

/// Reads one.
///
/// # Errors
/// The answer to one that is too long, too slow, or no message.
pub(super) async fn read<B>(body: B, patience: Duration) -> Result<Message, Box<Answer>>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    // What says that it is too long is not read at all.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(too_long("a message", MAX_BODY));
    }
    let bytes = match tokio::time::timeout(patience, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(whole)) => whole.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(too_long("a message", MAX_BODY));
        }
        Ok(Err(_)) => return Err(wrong("the body broke off")),
        Err(_) => {
            let most = format!("a message is to be here within {} seconds", patience.as_secs());
            return Err(Box::new(say::refused(
                StatusCode::REQUEST_TIMEOUT,
                "body-too-slow",
                &most,
            )));
        }
    };
    let head: Head =
        serde_json::from_slice(&bytes).map_err(|_| wrong("the body is no JSON-RPC message"))?;
    let asks = match (&head.method, head.id) {
        (Some(_), Some(Id::Known(id))) => Some(id),
        _ => None,
    };
    if head.method.as_deref() != Some("initialize") {
        return Ok(Message { bytes, asks });
    }
    if bytes.len() > MAX_HELLO {
        return Err(too_long("`initialize`", MAX_HELLO));
    }
    // What is none is refused behind here, where the same reader reads it.
    let bytes = hello::short(&bytes).map_or(bytes, Bytes::from);
    Ok(Message { bytes, asks })
}

fn too_long(what: &str, most: usize) -> Box<Answer> {
    let most = format!("{what} has at most {most} bytes");
    Box::new(say::refused(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", &most))
}

fn wrong(message: &str) -> Box<Answer> {
    Box::new(say::refused(StatusCode::BAD_REQUEST, "not-a-message", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use hyper::body::Frame;
    use serde_json::{Value, json};

    /// An introduction that is about as long as is wanted.
    fn long(length: usize) -> Value {
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {"experimental": {"a": {"b": "x".repeat(length / 2)}}},
            "clientInfo": {"name": "x".repeat(length / 2), "version": "1"}}})
    }

    async fn of(text: impl Into<Bytes>) -> Result<Bytes, u16> {
        let read = read(Full::new(text.into()), PATIENCE).await;
        read.map(|read| read.bytes).map_err(|answer| answer.status().as_u16())
    }

    #[tokio::test]
    async fn a_session_keeps_of_an_introduction_a_short_name() {
        let hello = of(long(60 << 10).to_string()).await.unwrap();
        assert!(hello.len() < 400);
        let hello: Value = serde_json::from_slice(&hello).unwrap();
        assert_eq!(hello["params"]["protocolVersion"], "2025-11-25");
        assert_eq!(of(long(80 << 10).to_string()).await, Err(413));
        // However it is written.
        let hidden = long(80 << 10).to_string().replace("initialize", "initi\\u0061lize");
        assert_eq!(of(hidden).await, Err(413));
        let twice = long(80 << 10).to_string().replacen('{', r#"{"method":"ping","#, 1);
        assert_eq!(of(twice).await, Err(400));
    }

    #[tokio::test]
    async fn a_message_is_whole_and_as_it_was_sent() {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params":
            {"name": "a", "arguments": {"initialize": "x".repeat(1 << 20)}}});
        assert_eq!(of(call.to_string()).await.unwrap(), call.to_string());
        let answer = r#"{"jsonrpc": "2.0", "id": 1, "result": {}}"#;
        assert_eq!(of(answer).await.unwrap(), answer);
        assert_eq!(of(vec![b' '; MAX_BODY + 1]).await, Err(413));
        for no in ["", "{", "[]", "3", r#"{"method": 3}"#] {
            assert_eq!(of(no).await, Err(400), "{no}");
        }
    }

    #[tokio::test]
    async fn the_id_of_a_question_is_read_as_behind_here() {
        let asks = async |text: &str| {
            let read = read(Full::new(Bytes::from(text.to_owned())), PATIENCE).await;
            read.map(|read| read.asks.map(|id| id.to_string())).map_err(|no| no.status().as_u16())
        };
        for (text, id) in [
            (r#"{"method": "a", "id": 7}"#, Some("7")),
            (r#"{"id": 7.0, "method": "a"}"#, Some("7")),
            (r#"{"method": "a", "id": "x"}"#, Some("x")),
            (r#"{"method": "a", "id": [7]}"#, None),
            (r#"{"method": "a", "id": null}"#, None),
            (r#"{"method": "a"}"#, None),
            (r#"{"result": {}, "id": 7}"#, None),
        ] {
            assert_eq!(asks(text).await, Ok(id.map(str::to_owned)), "{text}");
        }
        assert_eq!(asks(r#"{"method": "a", "id": 7, "id": 8}"#).await, Err(400));
    }

    #[tokio::test]
    async fn who_does_not_send_is_not_waited_for() {
        struct Never;
        impl Body for Never {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
                std::task::Poll::Pending
            }
        }
        let answer = read(Never, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(answer.status().as_u16(), 408);
    }
}
