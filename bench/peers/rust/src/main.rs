//! The relay as users of Tokio and tungstenite write it: `peer [--port PORT] [--threads N]`.

use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Bytes, Message, Result, protocol::WebSocketConfig};

const MAX_FRAME_BYTES: usize = 16 << 20;
const BACKLOG: u32 = 10_000;
/// Frames that wait for a viewer beside the one that is being written.
const MAX_WAITING: usize = 2;

type Viewers = Arc<Mutex<Vec<mpsc::Sender<Bytes>>>>;

fn send(viewers: &Viewers, frame: Bytes) {
    // A viewer whose channel is full skips the frame; one that has gone is forgotten.
    viewers.lock().unwrap().retain(|viewer| {
        !matches!(viewer.try_send(frame.clone()), Err(mpsc::error::TrySendError::Closed(_)))
    });
}

async fn serve(stream: TcpStream, viewers: Viewers) -> Result<()> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES))
        .read_buffer_size(16 << 10);
    let mut role = String::new();
    let route = |request: &Request, response: Response| {
        role = request.uri().query().unwrap_or("").to_owned();
        if request.uri().path() == "/live" && ["role=publish", "role=watch"].contains(&&*role) {
            return Ok(response);
        }
        Err(Response::builder().status(404).body(None).unwrap()) as Result<_, ErrorResponse>
    };
    let mut socket = accept_hdr_async_with_config(stream, route, Some(config)).await?;
    if role == "role=publish" {
        while let Some(message) = socket.next().await {
            if let Message::Binary(frame) = message? {
                send(&viewers, frame);
            }
        }
        return Ok(());
    }
    let (sender, mut waiting) = mpsc::channel(MAX_WAITING);
    viewers.lock().unwrap().push(sender);
    loop {
        tokio::select! {
            Some(frame) = waiting.recv() => socket.send(Message::Binary(frame)).await?,
            message = socket.next() => match message {
                Some(message) => { message?; }
                None => return Ok(()),
            },
        }
    }
}

async fn listen(port: u16) -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    let listener = socket.listen(BACKLOG)?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    let viewers = Viewers::default();
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, viewers.clone()));
    }
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let flag = |name: &str, default: usize| {
        args.windows(2).find(|pair| pair[0] == name).map_or(default, |pair| pair[1].parse().unwrap())
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(flag("--threads", 1))
        .enable_io()
        .build()?;
    // Spawned, for else the main thread would be one more that works.
    runtime.block_on(runtime.spawn(listen(flag("--port", 0) as u16))).unwrap()
}
