//! The floor of everything that speaks MCP: an echo server of rmcp's own, without Interlock. Over stdio as its
//! documentation says, over its pipes, and over HTTP with Nagle's delay off. rmcp's server is the host's own copy of it:
//! compiled once, and the same code in both.

use anyhow::{Result, anyhow, bail};
use async_trait::async_trait;
use http_body_util::BodyExt;
use hyper::{Request, body::Incoming};
use interlock_protocol::{
    BoxFuture, Handler,
    http::{Answer, Sessions, connection},
    streams,
};
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
        ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::StreamableHttpServerConfig,
};
use serde_json::json;
use std::{future::pending, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// The hidden role: `__native stdio`, `pipes` or `http`.
pub(crate) const ROLE: &str = "__native";
/// How long headers may take: as for the host.
const HEADERS: Duration = Duration::from_secs(10);

struct Echo;

#[async_trait]
impl Handler for Echo {
    fn info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("echo", "1"))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({"type": "object", "properties": {"s": {"type": "string"}}});
        let schema = schema.as_object().cloned().unwrap_or_default();
        Ok(ListToolsResult::with_all_items(vec![Tool::new(
            "echo",
            "Says it again.",
            Arc::new(schema),
        )]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let text = arguments.get("s").and_then(|s| s.as_str()).unwrap_or_default();
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

async fn over(read: streams::Read, write: streams::Write) -> Result<()> {
    let served = streams::serve(Arc::new(Echo), read, write, Box::pin(pending())).await;
    served.map_err(|e| anyhow!(e))
}

async fn http() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    // Whoever started it reads where it is.
    println!("{}", json!({"url": format!("http://{}/mcp", listener.local_addr()?)}));
    let make = Box::new(|| -> Arc<dyn Handler> { Arc::new(Echo) });
    let sessions = Arc::new(Sessions::new(make, StreamableHttpServerConfig::default()));
    loop {
        let (stream, _) = listener.accept().await?;
        let sessions = sessions.clone();
        let answers = Box::new(move |request: Request<Incoming>| -> BoxFuture<'static, Answer> {
            let sessions = sessions.clone();
            let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
            Box::pin(async move { sessions.answer(request).await })
        });
        tokio::spawn(connection(stream, HEADERS, answers, Box::pin(pending())));
    }
}

/// Plays the server until its client is gone.
pub(crate) fn play(arguments: &[String]) -> Result<()> {
    let runtime = crate::scene::runtime()?;
    let ended = runtime.block_on(async {
        match arguments {
            [one] if one == "stdio" => {
                let (read, write) = rmcp::transport::stdio();
                over(Box::new(read), Box::new(write)).await?;
            }
            [one] if one == "pipes" => {
                let (read, write) = rmcp::transport::stdio_pipes();
                over(Box::new(read), Box::new(write)).await?;
            }
            [one] if one == "http" => http().await?,
            _ => bail!("a transport is wanted"),
        }
        Ok(())
    });
    runtime.shutdown_background();
    ended
}
