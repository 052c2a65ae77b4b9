//! Which addresses are on the public internet.
//!
//! Names are not looked up here, and exemptions are not known. The tables are IANA's registries of special-purpose
//! addresses, [for IPv4](https://www.iana.org/assignments/iana-ipv4-special-registry) and
//! [for IPv6](https://www.iana.org/assignments/iana-ipv6-special-registry), with
//! [multicast](https://www.iana.org/assignments/ipv4-address-space). They are stricter than the registries' column
//! "Globally Reachable": no webhook is in a block with a special purpose, so all of them are refused, and so are the
//! blocks of IPv6 addresses that carry an IPv4 address, whatever that address is. Who embeds one elsewhere, such as in a
//! NAT64 prefix of their own, cannot be known by a table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// No address of these is public.
const SPECIAL_V4: [Ipv4Net; 18] = [
    v4([0, 0, 0, 0], 8),       // this network
    v4([10, 0, 0, 0], 8),      // private use
    v4([100, 64, 0, 0], 10),   // shared by a provider's customers
    v4([127, 0, 0, 0], 8),     // loopback
    v4([169, 254, 0, 0], 16),  // link-local, with the metadata of instances and containers
    v4([172, 16, 0, 0], 12),   // private use
    v4([192, 0, 0, 0], 24),    // IETF protocol assignments
    v4([192, 0, 2, 0], 24),    // documentation, TEST-NET-1
    v4([192, 31, 196, 0], 24), // AS112-v4
    v4([192, 52, 193, 0], 24), // AMT
    v4([192, 88, 99, 0], 24),  // 6to4 relays, deprecated
    v4([192, 168, 0, 0], 16),  // private use
    v4([192, 175, 48, 0], 24), // direct delegation of AS112
    v4([198, 18, 0, 0], 15),   // benchmarking
    v4([198, 51, 100, 0], 24), // documentation, TEST-NET-2
    v4([203, 0, 113, 0], 24),  // documentation, TEST-NET-3
    v4([224, 0, 0, 0], 4),     // multicast
    v4([240, 0, 0, 0], 4),     // reserved, with the limited broadcast
];

/// The only IPv6 addresses that are [given out](https://www.iana.org/assignments/ipv6-address-space) as global unicast.
///
/// Outside are `::`, `::1`, IPv4-compatible (`::/96`), IPv4-mapped (`::ffff:0:0/96`), IPv4-translated
/// (`::ffff:0:0:0/96`), NAT64 (`64:ff9b::/96`, `64:ff9b:1::/48`), discard-only (`100::/64`), dummy (`100:0:0:1::/64`),
/// segment routing (`5f00::/16`), unique-local (`fc00::/7`), link-local (`fe80::/10`), site-local (`fec0::/10`) and
/// multicast (`ff00::/8`).
const GLOBAL_UNICAST_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

/// No address of these is public, though they are global unicast.
const SPECIAL_V6: [Ipv6Net; 5] = [
    v6([0x2001, 0, 0], 23), // IETF protocol assignments: Teredo, benchmarking, AMT, AS112-v6, ORCHID, DRIP
    v6([0x2001, 0x0db8, 0], 32), // documentation
    v6([0x2002, 0, 0], 16), // 6to4
    v6([0x2620, 0x4f, 0x8000], 48), // direct delegation of AS112
    v6([0x3fff, 0, 0], 20), // documentation
];

/// Whether an address is globally routable, and nothing special.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|block| block.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_UNICAST_V6.contains(&address) && !SPECIAL_V6.iter().any(|block| block.contains(&address))
        }
    }
}

const fn v4([a, b, c, d]: [u8; 4], prefix_bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix_bits)
}

const fn v6([a, b, c]: [u16; 3], prefix_bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix_bits)
}
