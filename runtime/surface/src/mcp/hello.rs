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
use std::future::Future;

/// The most characters of a client's name, and of its version.
const MAX_NAME: usize = 64;

/// Takes out of an introduction what nobody asks for; any other message stays as it is.
pub(super) fn shorten(message: &mut ClientJsonRpcMessage) {
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
pub(super) struct Brief<T>(pub(super) T);

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
pub(super) mod tests {
    use super::*;
    use rmcp::transport::async_rw::AsyncRwTransport;
    use serde_json::{Value, json};

    /// An introduction that is as long as is wanted, most of it in each place that a client may fill.
    pub(in super::super) fn long(length: usize) -> Value {
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
        let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": {"name": "a", "arguments": {"b": "c".repeat(1000)}}});
        let mut other: ClientJsonRpcMessage = serde_json::from_value(call.clone()).unwrap();
        shorten(&mut other);
        assert_eq!(serde_json::to_value(&other).unwrap(), call);
    }
}
