# shellcheck shell=bash
# What the scripts share: installs what this machine lacks, and runs xtask. Sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export HOME="${HOME:-$(cd ~ && pwd)}"
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

say() { printf '%s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

# Touches no network when nothing is missing. Arguments are packages that are missing besides.
install_missing() {
    install_packages "$@"
    install_rust
}

install_packages() {
    local missing=("$@")
    has_compiler || missing+=(build-essential)
    has pkg-config || missing+=(pkg-config)
    has curl || missing+=(curl)
    [[ -e /etc/ssl/certs/ca-certificates.crt ]] || missing+=(ca-certificates)
    has clang || missing+=(clang)
    has_libclang || missing+=(libclang-dev)
    ((${#missing[@]} == 0)) && return
    if ! has apt-get; then
        say "missing: ${missing[*]}. There is no apt-get here to install them; install them and start again"
        exit 1
    fi
    say "installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# What only tests need, and is missing: they set the clocks of single nodes with libfaketime.
missing_for_tests() {
    local folder
    for folder in /usr/lib /usr/lib/* /usr/lib64 /usr/local/lib; do
        if [[ -e $folder/faketime/libfaketimeMT.so.1 ]]; then return; fi
    done
    echo libfaketime
}

has_compiler() {
    has cc && has c++ && has make && [[ -e /usr/include/stdio.h ]]
}

# Makes the bindings to RocksDB.
has_libclang() {
    [[ -n ${LIBCLANG_PATH:-} ]] || compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

install_rust() {
    # Beside an older default, never instead of it.
    if ! rust_is_recent && has rustup; then export RUSTUP_TOOLCHAIN=stable; fi
    rust_is_recent || install_toolchain
    # Not `has`: rustup leaves a placeholder for each.
    cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 && return
    if has rustup; then
        say "installing clippy and rustfmt"
        rustup component add clippy rustfmt >&2
    else
        say "clippy or rustfmt is missing: \`cargo xtask check\` will fail until you install them"
    fi
}

rust_is_recent() {
    has cargo && has rustc || return
    local version version_min
    version=$(rustc --version 2>/dev/null | cut -d ' ' -f 2)
    version_min=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
    [[ $(printf '%s\n' "$version_min" "$version" | sort -V | head -n 1) == "$version_min" ]]
}

install_toolchain() {
    say "installing Rust with rustup"
    if has rustup; then
        rustup toolchain install stable --profile minimal --component clippy,rustfmt >&2
    else
        curl --proto '=https' --tlsv1.2 -sSf https://static.rust-lang.org/rustup/rustup-init.sh |
            sh -s -- -y --quiet --profile minimal --component clippy,rustfmt >&2
    fi
    # Forget where an older one was found.
    hash -r
}

# xtask is built for this clone alone and without optimisation: that takes seconds.
xtask() (
    cd "$root" || exit
    cargo run --locked --quiet --target-dir "$root/target" --config 'profile.dev.package."*".opt-level=0' \
        --package holdfast-scripts --bin xtask -- "$@"
)
