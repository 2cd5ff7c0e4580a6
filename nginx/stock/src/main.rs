//! Builds NGINX 1.28 as the crate `nginx-src` carries it: `stock-nginx FOLDER`.
//!
//! The folder then has the program `nginx` and what `configure` made. The folder with the source is
//! the last line printed.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: stock-nginx FOLDER");
        return ExitCode::from(2);
    };
    match nginx_src::build(folder) {
        Ok((source, _)) => {
            println!("{}", source.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("stock-nginx: {error}");
            ExitCode::FAILURE
        }
    }
}
