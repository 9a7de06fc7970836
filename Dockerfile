# The image of operator and node agent. `make build` fills dist/; nothing is compiled here. Any Debian-like base serves.
ARG BASE=docker.io/library/debian:bookworm-slim
FROM ${BASE}

# The agent runs delegates, which call iptables and nft; it enters namespaces with nsenter and unshare and locks with flock.
RUN for program in ip nft iptables nsenter unshare flock mount; do command -v "$program" >/dev/null || missing=yes; done; \
    ls /usr/lib/*/libstdc++.so.6 >/dev/null 2>&1 || missing=yes; \
    if [ "${missing:-no}" = yes ]; then \
      apt-get update && \
      apt-get install --yes --no-install-recommends iproute2 iptables libstdc++6 mount nftables util-linux && \
      rm -rf /var/lib/apt/lists/*; \
    fi

COPY dist/cni-bin/ /opt/plexus/bin/
COPY dist/node dist/version dist/operator.mjs dist/node-agent.mjs /opt/plexus/

# The operator's user; the chart runs the agent as 0, which its file capabilities need.
USER 65532:65532
WORKDIR /opt/plexus
CMD ["/opt/plexus/node", "/opt/plexus/operator.mjs"]
