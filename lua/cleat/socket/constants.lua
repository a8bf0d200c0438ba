--- Constants of Python's socket module that only programs use, and that the core passes to the kernel: Linux's values.

local constants = {}

for prefix, values in pairs {
    --- NI_*: flags of getnameinfo; NI_MAXHOST and NI_MAXSERV are the maximum lengths of its results.
    --- Python: 2.2.
    NI_ = { MAXHOST = 1025, MAXSERV = 32 },
    SOCK_ = { RAW = 3, RDM = 4, SEQPACKET = 5 },
    SOL_ = { IP = 0, TCP = 6, UDP = 17 },
    SO_ = { DEBUG = 1, DONTROUTE = 5, PRIORITY = 12, PEERCRED = 17, SNDLOWAT = 19, BINDTODEVICE = 25, MARK = 36 },
    IPPROTO_ = {
        AH = 51, DSTOPTS = 60, EGP = 8, ESP = 50, FRAGMENT = 44, GRE = 47, HOPOPTS = 0, ICMP = 1, ICMPV6 = 58, IDP = 22, IGMP = 2,
        IPIP = 4, MPTCP = 262, NONE = 59, PIM = 103, PUP = 12, RAW = 255, ROUTING = 43, RSVP = 46, SCTP = 132, TP = 29,
        UDPLITE = 136,
    },
    TCP_ = {
        SYNCNT = 7, LINGER2 = 8, WINDOW_CLAMP = 10, INFO = 11, CONGESTION = 13, FASTOPEN = 23, NOTSENT_LOWAT = 25,
    },
    --- IP_*: options of the level IPPROTO_IP.
    --- Python: 1.4.
    IP_ = {
        TOS = 1, TTL = 2, HDRINCL = 3, OPTIONS = 4, RECVOPTS = 6, RECVRETOPTS = 7, RETOPTS = 7, RECVTOS = 13, TRANSPARENT = 19,
        BIND_ADDRESS_NO_PORT = 24, MULTICAST_IF = 32, MULTICAST_TTL = 33, MULTICAST_LOOP = 34, ADD_MEMBERSHIP = 35,
        DROP_MEMBERSHIP = 36, DEFAULT_MULTICAST_LOOP = 1, DEFAULT_MULTICAST_TTL = 1, MAX_MEMBERSHIPS = 20,
    },
    IPV6_ = {
        CHECKSUM = 7, NEXTHOP = 9, UNICAST_HOPS = 16, MULTICAST_IF = 17, MULTICAST_HOPS = 18, MULTICAST_LOOP = 19,
        JOIN_GROUP = 20, LEAVE_GROUP = 21, RECVPKTINFO = 49, PKTINFO = 50, RECVHOPLIMIT = 51, HOPLIMIT = 52, RECVHOPOPTS = 53,
        HOPOPTS = 54, RTHDRDSTOPTS = 55, RECVRTHDR = 56, RTHDR = 57, RECVDSTOPTS = 58, DSTOPTS = 59, RECVPATHMTU = 60, PATHMTU = 61,
        DONTFRAG = 62, RECVTCLASS = 66, TCLASS = 67, RTHDR_TYPE_0 = 0,
    },
    MSG_ = { CONFIRM = 0x800, NOSIGNAL = 0x4000, MORE = 0x8000 },
    --- INADDR_*: IPv4 addresses as numbers.
    --- Python: 1.4.
    INADDR_ = {
        ANY = 0, BROADCAST = 0xffffffff, NONE = 0xffffffff, LOOPBACK = 0x7f000001, UNSPEC_GROUP = 0xe0000000,
        ALLHOSTS_GROUP = 0xe0000001, MAX_LOCAL_GROUP = 0xe00000ff,
    },
    --- IPPORT_*: ports below IPPORT_RESERVED (1024) are for system services; IPPORT_USERRESERVED is 5000.
    --- Python: 1.4.
    IPPORT_ = { RESERVED = 1024, USERRESERVED = 5000 },
} do
    for name, value in pairs(values) do
        constants[prefix .. name] = value
    end
end

return constants
