//! The page of `docs/explain`, served on this machine.

use std::net::Ipv4Addr;

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::routing::get;
use edgectl::issuer::{Limits, serve};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime;

use crate::cli::issuer::stopped;
use crate::cli::{Failure, print, say};

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// What the page says of itself, and what only a header can say: nobody may frame it.
const POLICY: &str =
    "connect-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Serves the page until Ctrl-C.
pub(super) fn run(json: bool) -> Result<(), Failure> {
    let Some(page) = PAGE else {
        return Err("this edgectl was built without the page: run `cargo xtask page` in its sources and build \
                    it again, or open docs/explain/index.html of a release"
            .into());
    };
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(listen(page, json))
}

async fn listen(page: &'static str, json: bool) -> Result<(), Failure> {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    let router = Router::new().route("/", get(move || async move { (headers, page) }));
    // Before the address is told, so that nobody can signal too early.
    let stop = stopped()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = format!("http://{}/", listener.local_addr()?);
    if json {
        print(&json!({ "listening": address }).to_string())?;
    } else {
        print(&address)?;
        say(
            "Open it in a browser on this machine. What is pasted there stays there. Ctrl-C ends it.",
        );
    }
    serve(listener, router, Limits::default(), stop).await;
    Ok(())
}
