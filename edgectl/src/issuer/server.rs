//! Serving a router on a socket within limits, until told to stop.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// What one client, or all of them, may use up. Bodies need no limit: none is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at the same time; further ones wait in the system's queue.
    pub connections: usize,
    /// Bytes of a request line with its headers. Answered 414 or 431 beyond.
    pub head_bytes: usize,
    /// Headers of a request. Answered 431 beyond.
    pub headers: usize,
    /// For a whole request head to arrive, counted from the end of the request before.
    pub head_time: Duration,
    /// For open requests to end once the server is told to stop.
    pub stop_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            head_bytes: 64 * 1024,
            headers: 64,
            head_time: Duration::from_secs(15),
            stop_time: Duration::from_secs(5),
        }
    }
}

/// Serves HTTP/1.1 until `stop` resolves; then closes the socket and idle connections, and lets open requests
/// end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let Some((permit, stream)) = accepted else {
            continue;
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_headers(limits.headers)
            .max_header_size(limits.head_bytes)
            // Where a head that never ends stops being read; alone it is no exact limit.
            .max_buf_size(limits.head_bytes)
            .serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(router.clone()),
            );
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // What goes wrong on a connection is the client's affair: it went away, or spoke no HTTP.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    let _ = timeout(limits.stop_time, graceful.shutdown()).await;
}

type Permit = tokio::sync::OwnedSemaphorePermit;

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> Option<(Permit, TcpStream)> {
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((permit, stream)),
        Err(_) => {
            // Out of file descriptors, or a client that went away: accepting again at once would spin.
            sleep(Duration::from_millis(50)).await;
            None
        }
    }
}
