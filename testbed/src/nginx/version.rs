//! The versions of NGINX that the module is built for, and the module for each.
//!
//! A module fits one version of NGINX with one set of options: structures differ although the
//! signature that NGINX compares is the same. So its bindings are made from headers that were
//! configured with the program's own options.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::artifact;
use crate::error::{Error, Result};
use crate::process::{Process, output, read_lossy, shown, tail};
use crate::tools::{
    LIBCLANG, NGINX, NGINX_HEADERS, OPENSSL_HEADERS, PCRE2_HEADERS, Tools, ZLIB_HEADERS,
};

/// Longer than building NGINX takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Options of NGINX 1.28 beyond those of `nginx-src`: what the suite shows the module beside.
const CONFIGURE_ARGS: &str = "--with-http_auth_request_module --with-http_slice_module";

/// A version of NGINX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.22.1, as Debian 12 builds it.
    Nginx1_22,
    /// 1.28, built from the crate `nginx-src`.
    Nginx1_28,
}

impl Version {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Nginx1_22, Self::Nginx1_28];

    /// As in messages and names of folders.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx1_22 => "nginx-1.22",
            Self::Nginx1_28 => "nginx-1.28",
        }
    }

    /// The program.
    ///
    /// # Errors
    /// When it can neither be found nor installed.
    pub fn program(self, tools: &Tools) -> Result<PathBuf> {
        match self {
            Self::Nginx1_22 => tools.ensure(&NGINX),
            Self::Nginx1_28 => Ok(self.headers(tools)?.build.join("nginx")),
        }
    }

    /// The module for this version, built from this tree.
    ///
    /// # Errors
    /// Those of [`Version::cargo`], or when the build fails.
    pub fn module(self, tools: &Tools) -> Result<PathBuf> {
        let mut cargo = self.cargo(tools, "build")?;
        cargo.args(["--profile", "nginx", "--message-format"]);
        cargo.arg("json-render-diagnostics");
        let what = format!("building the module for {}", self.name());
        tools.progress().step(&what, || {
            artifact::build(cargo, "ngx_http_registry_token_filter_module", ".so")
        })
    }

    /// A command of cargo about the module, with all that its build script asks for.
    ///
    /// # Errors
    /// When the version's headers or libclang cannot be had.
    pub fn cargo(self, tools: &Tools, command: &str) -> Result<Command> {
        let headers = self.headers(tools)?;
        let clang = tools.ensure(&LIBCLANG)?;
        let mut cargo = artifact::program();
        cargo.args([command, "--package", "registry-token-filter-nginx"]);
        cargo.args(["--features", "module"]);
        // Each version has its own bindings, and cargo keeps one of each in a target folder.
        let target = artifact::root().join("target").join(self.name());
        cargo.arg("--target-dir").arg(target);
        cargo
            .env("NGINX_SOURCE_DIR", &headers.source)
            .env("NGINX_BUILD_DIR", &headers.build)
            .env("LIBCLANG_PATH", clang.parent().unwrap_or(&clang))
            .env("BINDGEN_EXTRA_CLANG_ARGS", compiler_headers()?)
            // A bundle embedded by accident would hide a missing one in the configuration.
            .env_remove("REGISTRY_ROOTCERTBUNDLE");
        Ok(cargo)
    }

    /// The headers of this version, configured with the program's options.
    fn headers(self, tools: &Tools) -> Result<Headers> {
        for library in [&OPENSSL_HEADERS, &PCRE2_HEADERS, &ZLIB_HEADERS] {
            tools.ensure(library)?;
        }
        match self {
            Self::Nginx1_22 => debian_headers(tools),
            Self::Nginx1_28 => crate_headers(tools),
        }
    }
}

/// Headers, and what `configure` found out.
struct Headers {
    source: PathBuf,
    build: PathBuf,
}

/// Debian's headers, with Debian's own options. Compiles nothing.
fn debian_headers(tools: &Tools) -> Result<Headers> {
    let flags = tools.ensure(&NGINX_HEADERS)?;
    let packaged = flags.parent().unwrap_or(&flags);
    let folder = tools.folder().join("nginx-1.22-configured");
    let headers = Headers {
        source: folder.join("src"),
        build: folder.join("objs"),
    };
    once(
        tools,
        &folder,
        "configuring the headers of nginx-1.22",
        |log| {
            let mut copy = Command::new("cp");
            copy.arg("-a").arg(packaged).arg(&headers.source);
            run(copy, log)?;
            let mut configure = Command::new("bash");
            configure.current_dir(&headers.source).args([
                "-c",
                ". ./conf_flags && ./configure \"${NGX_CONF_FLAGS[@]}\" --builddir=\"$0\"",
            ]);
            configure.arg(&headers.build);
            run(configure, log)
        },
    )?;
    Ok(headers)
}

/// NGINX 1.28 and its headers, by `nginx/stock`.
fn crate_headers(tools: &Tools) -> Result<Headers> {
    let folder = tools.folder().join("nginx-1.28");
    let (build, path) = (folder.join("objs"), folder.join("source"));
    once(tools, &folder, "building nginx-1.28", |log| {
        let mut cargo = Command::new("cargo");
        cargo.args(["run", "--quiet", "--locked", "--manifest-path"]);
        cargo.arg(artifact::root().join("nginx/stock/Cargo.toml"));
        cargo.arg("--target-dir").arg(folder.join("target"));
        cargo
            .arg("--")
            .arg(&build)
            .env("NGX_CONFIGURE_ARGS", CONFIGURE_ARGS);
        // With one of these it downloads.
        for variable in [
            "NGX_VERSION",
            "OPENSSL_VERSION",
            "PCRE2_VERSION",
            "ZLIB_VERSION",
        ] {
            cargo.env_remove(variable);
        }
        run(cargo, log)?;
        let printed = read_lossy(log);
        let source = printed.lines().next_back().unwrap_or_default();
        std::fs::write(&path, source).map_err(Error::io("write", &path))
    })?;
    let source = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    Ok(Headers {
        source: PathBuf::from(source),
        build,
    })
}

/// Makes what is in `folder`, whole, if nobody did before.
fn once(
    tools: &Tools,
    folder: &Path,
    what: &str,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let path = tools.folder().join(format!("{name}.lock"));
    let lock = std::fs::File::create(&path).map_err(Error::io("open", &path))?;
    lock.lock().map_err(Error::io("lock", &path))?;
    let stamp = folder.join(".complete");
    if stamp.is_file() {
        return Ok(());
    }
    tools.progress().step(what, || {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("remove", folder)(error));
            }
            _ => {}
        }
        std::fs::create_dir_all(folder).map_err(Error::io("make folder", folder))?;
        let log = tools.folder().join("logs").join(format!("{name}.log"));
        make(&log)?;
        std::fs::write(&stamp, "").map_err(Error::io("write", &stamp))
    })
}

fn run(command: Command, log: &Path) -> Result<()> {
    let shown = shown(&command);
    let mut process = Process::spawn("nginx's build", command, log)?;
    match process.wait_until_ended(LIMIT) {
        Some(status) if status.success() => Ok(()),
        ended => Err(Error::Command {
            command: shown,
            status: ended.map_or_else(
                || format!("not finished after {LIMIT:?}"),
                |status| status.to_string(),
            ),
            output: tail(log),
        }),
    }
}

/// libclang without clang has no headers of its own (`stddef.h`); those of the C compiler will do.
fn compiler_headers() -> Result<String> {
    let folder = output(Command::new("cc").arg("-print-file-name=include"))?;
    Ok(format!("-I{}", folder.trim()))
}
