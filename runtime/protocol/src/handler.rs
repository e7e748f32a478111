//! What answers. Each method is behind a pointer: the state machine of a request, with rmcp's dispatch in it, is
//! compiled here and not once more for each server.

use async_trait::async_trait;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskMethod, CancelTaskParams, GetTaskMethod,
        GetTaskParams, GetTaskResult, ListResourceTemplatesRequestMethod,
        ListResourceTemplatesResult, ListResourcesRequestMethod, ListResourcesResult,
        ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestMethod,
        ReadResourceRequestParams, ReadResourceResponse, ServerConfig, SubscriptionFilter, Tool,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use std::{borrow::Cow, sync::Arc};

/// What an MCP server answers. A method of the protocol that is not here is answered «method not found», and so is one
/// that a handler leaves as it is.
///
/// # Errors
/// Those of the methods go to the client, as they are.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// What the server says of itself.
    fn info(&self) -> ServerConfig;

    /// The versions of the protocol that it speaks, oldest first.
    fn versions(&self) -> &'static [ProtocolVersion] {
        ProtocolVersion::KNOWN_VERSIONS
    }

    /// `tools/list`.
    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
    ) -> Result<ListToolsResult, ErrorData>;

    /// `tools/call`.
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData>;

    /// `resources/list`.
    async fn list_resources(&self) -> Result<ListResourcesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourcesRequestMethod>())
    }

    /// `resources/templates/list`.
    async fn list_resource_templates(&self) -> Result<ListResourceTemplatesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourceTemplatesRequestMethod>())
    }

    /// `resources/read`.
    async fn read_resource(
        &self,
        _request: ReadResourceRequestParams,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Err(ErrorData::method_not_found::<ReadResourceRequestMethod>())
    }

    /// `tasks/get`, of the extension `io.modelcontextprotocol/tasks`.
    async fn get_task(&self, _request: GetTaskParams) -> Result<GetTaskResult, ErrorData> {
        Err(ErrorData::method_not_found::<GetTaskMethod>())
    }

    /// `tasks/cancel`.
    async fn cancel_task(&self, _request: CancelTaskParams) -> Result<(), ErrorData> {
        Err(ErrorData::method_not_found::<CancelTaskMethod>())
    }

    /// A client says that it is there.
    async fn on_initialized(&self, _context: NotificationContext<RoleServer>) {}

    /// What a client may be told of while it listens; `None` where it is told of nothing.
    fn accepted_subscription_filter(&self) -> Option<SubscriptionFilter> {
        None
    }

    /// Tells a client that listens, until it hangs up.
    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        context.cancelled().await;
        Ok(())
    }
}

/// A handler as rmcp wants one: of one type, whoever answers.
pub(crate) struct Served(pub(crate) Arc<dyn Handler>);

impl ServerHandler for Served {
    fn get_info(&self) -> ServerConfig {
        self.0.info()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(self.0.versions())
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.0.list_tools(request).await
    }

    fn get_tool(&self, _name: &str) -> Option<Tool> {
        // What it is asked for is a schema to check arguments by: that is for whoever answers the call, who may first have to
        // decide whether that may be said at all.
        None
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.0.call_tool(request, context).await
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.0.list_resources().await
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.0.list_resource_templates().await
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.0.read_resource(request).await
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.0.get_task(request).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.cancel_task(request).await
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.0.on_initialized(context).await;
    }

    fn accepted_subscription_filter(
        &self,
        _requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.0.accepted_subscription_filter()
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.0.listen(context).await
    }
}
