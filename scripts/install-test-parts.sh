#!/bin/sh
# Installs the servers for the protocol tests: Dovecot and Postfix from Debian, and oidc-provider
# from npm, which runs on Node; and Chromium, which shows our messages.
# Runs unattended, starts no services, and returns at once if everything is installed.
set -eu

packages="dovecot-imapd dovecot-pop3d dovecot-lmtpd postfix chromium fonts-noto-cjk"
oidc="$(dirname "$0")/../tests/servers/oidc"

all_present() {
    for program in /usr/sbin/dovecot /usr/lib/dovecot/imap /usr/lib/dovecot/pop3 \
        /usr/lib/dovecot/lmtp /usr/lib/postfix/sbin/master /usr/bin/chromium; do
        [ -x "$program" ] || return 1
    done
    command -v node > /dev/null && command -v npm > /dev/null
}

# Installs exactly the versions of the lock file, without running their scripts.
install_oidc_provider() {
    if ! cmp -s "$oidc/package-lock.json" "$oidc/node_modules/.installed"; then
        npm ci --prefix "$oidc" --ignore-scripts --no-audit --no-fund --loglevel=error < /dev/null
        cp "$oidc/package-lock.json" "$oidc/node_modules/.installed"
    fi
}

# Installs the packages as root. A policy-rc.d that exits with 101 keeps them from starting services;
# an existing one is not changed.
install_as_root() {
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    if ! { command -v node && command -v npm; } > /dev/null; then
        packages="$packages nodejs npm"
    fi
    # A fresh machine may lack the package lists.
    apt-get install -y -q --no-install-recommends $packages ||
        { apt-get update -q && apt-get install -y -q --no-install-recommends $packages; }
}

if all_present; then
    install_oidc_provider
    exit 0
fi
if ! command -v apt-get > /dev/null; then
    echo "This machine has no apt-get. Install Dovecot 2.3 (IMAP, POP3, LMTP), Postfix and Node" >&2
    echo "with npm, or run the tests without them: make test-quick" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    install_as_root
    install_oidc_provider
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
    exec sudo -n sh "$0"
else
    echo "The protocol tests need Dovecot, Postfix and Node. Run this once, then try again:" >&2
    echo "    sudo sh $0" >&2
    echo "Without them: make test-quick" >&2
    exit 1
fi
