//! `GET /metrics`: how the news of the authority get here, for whoever watches the service. Holds nothing of any tenant.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use hallpass_client::BundleMonitor;

/// The media type of OpenMetrics text.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The router of this one endpoint. It asks for no token: put it where only those who watch the service reach it.
pub(crate) fn router(bundles: BundleMonitor) -> Router {
    let answer = async move || {
        let text = format!("{}# EOF\n", bundles.status().to_openmetrics());
        ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response()
    };
    Router::new().route("/metrics", get(answer))
}
