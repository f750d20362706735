//! Shows the console over a made-up cluster on port 19800 (or `PORT`).

use std::time::Duration;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").ok().and_then(|p| p.parse().ok());
    let (router, tick) = limpid_console::preview::router();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.unwrap_or(19800))).await?;
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            tick();
        }
    });
    axum::serve(listener, router).await
}
