#!/bin/sh
# Installs the Debian parts that the protocol tests talk to: Dovecot and Postfix.
# Starts no service and asks no question. Says at once when everything is there already.
set -eu

packages="dovecot-imapd dovecot-pop3d dovecot-lmtpd postfix"

all_present() {
    for program in /usr/sbin/dovecot /usr/lib/dovecot/imap /usr/lib/dovecot/pop3 \
        /usr/lib/dovecot/lmtp /usr/lib/postfix/sbin/master; do
        [ -x "$program" ] || return 1
    done
}

# What root has to do. A policy-rc.d that answers 101 keeps the packages from starting services;
# one that is there already is left alone.
install_as_root() {
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    # A fresh machine has no package lists yet.
    apt-get install -y -q --no-install-recommends $packages ||
        { apt-get update -q && apt-get install -y -q --no-install-recommends $packages; }
}

if all_present; then
    exit 0
fi
if ! command -v apt-get > /dev/null; then
    echo "This machine has no apt-get. Install Dovecot 2.3 (IMAP, POP3, LMTP) and Postfix," >&2
    echo "or run the tests that need neither: make test-quick" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    install_as_root
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
    exec sudo -n sh "$0"
else
    echo "The protocol tests need Dovecot and Postfix. Run this once, then try again:" >&2
    echo "    sudo sh $0" >&2
    echo "Without them: make test-quick" >&2
    exit 1
fi
