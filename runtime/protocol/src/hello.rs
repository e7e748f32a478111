//! What a client says of itself when it introduces itself. A session keeps that for as long as it lives, and nothing
//! here ever asks for it: of what may be megabytes of nested JSON, and a hundred times that in memory, a short
//! name stays.

use rmcp::{
    RoleServer,
    model::{
        ClientCapabilities, ClientJsonRpcMessage, ClientRequest, GetMeta, Implementation,
        RequestMetaObject,
    },
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use serde_json::json;
use std::future::Future;

/// The most characters of a client's name, and of its version.
const MAX_NAME: usize = 64;

/// An introduction that says no more than is asked for, made of one that may say more; `None` where the text is no
/// introduction.
#[inline(never)]
pub fn short(text: &[u8]) -> Option<Vec<u8>> {
    let mut message = serde_json::from_slice(text).ok()?;
    shorten(&mut message);
    let ClientJsonRpcMessage::Request(message) = message else { return None };
    let ClientRequest::InitializeRequest(hello) = &message.request else { return None };
    let (hello, client) = (&hello.params, &hello.params.client_info);
    // Put together here: rmcp's writer of messages is compiled for each kind of them, and of a client's this is the only one.
    let short = json!({"jsonrpc": "2.0", "id": message.id, "method": "initialize", "params": {
        "protocolVersion": hello.protocol_version, "capabilities": {},
        "clientInfo": {"name": client.name, "version": client.version}, "_meta": message.request.get_meta()}});
    Some(short.to_string().into_bytes())
}

/// Takes out of an introduction what nobody asks for; any other message stays as it is.
fn shorten(message: &mut ClientJsonRpcMessage) {
    let ClientJsonRpcMessage::Request(request) = message else { return };
    let request = &mut request.request;
    // Its version is compared with the one that a header names.
    let version = request.get_meta().protocol_version();
    let ClientRequest::InitializeRequest(hello) = request else { return };
    let short = |text: &str| text.chars().take(MAX_NAME).collect::<String>();
    let client = &hello.params.client_info;
    hello.params.client_info = Implementation::new(short(&client.name), short(&client.version));
    // What a client can do is said with each call where it matters.
    hello.params.capabilities = ClientCapabilities::default();
    hello.params.meta = None;
    let meta = request.get_meta_mut();
    *meta = RequestMetaObject::new();
    if let Some(version) = version {
        meta.set_protocol_version(version);
    }
}

/// A transport on which clients introduce themselves shortly.
pub(crate) struct Brief<T>(pub(crate) T);

impl<T: Transport<RoleServer>> Transport<RoleServer> for Brief<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.0.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let mut message = self.0.receive().await?;
        shorten(&mut message);
        Some(message)
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.0.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::transport::async_rw::AsyncRwTransport;
    use serde_json::Value;

    /// An introduction that is as long as is wanted, most of it in each place that a client may fill.
    fn long(length: usize) -> Value {
        let filler = "x".repeat(length / 8);
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "_meta": {"of-mine": filler},
            "capabilities": {"experimental": {filler.as_str(): {"a": filler}}},
            "clientInfo": {"name": filler, "version": filler, "title": filler,
                "websiteUrl": filler, "icons": [{"src": filler}]}}})
    }

    #[tokio::test]
    async fn of_what_a_client_says_of_itself_a_short_name_is_kept() {
        let text = format!("{}\n", long(1 << 20));
        let read = std::io::Cursor::new(text.into_bytes());
        let mut transport = Brief(AsyncRwTransport::new_server(read, tokio::io::sink()));
        let message = transport.receive().await.unwrap();
        let kept = serde_json::to_value(&message).unwrap();
        assert!(kept.to_string().len() < 400);
        assert_eq!(kept["params"]["protocolVersion"], "2025-11-25");
        assert_eq!(kept["params"]["clientInfo"]["name"], "x".repeat(MAX_NAME));
        let text = String::from_utf8(short(long(1 << 20).to_string().as_bytes()).unwrap()).unwrap();
        assert!(text.len() < 400);
        let again: ClientJsonRpcMessage = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&again).unwrap(), kept);
        let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": {"name": "a", "arguments": {"b": "c".repeat(1000)}}});
        let mut other: ClientJsonRpcMessage = serde_json::from_value(call.clone()).unwrap();
        shorten(&mut other);
        assert_eq!(serde_json::to_value(&other).unwrap(), call);
        assert_eq!(short(call.to_string().as_bytes()), None);
    }
}
