//! Which addresses are public: each block's ends, and its neighbours.

use coffeeshop_notifier::webhook::address::is_public;

/// A block from its first to its last address, and what is before and after it: `+` is public, `-` is not (another
/// block begins there, or the addresses end).
const BLOCKS: [(&str, &str, &str, &str); 47] = [
    ("-", "0.0.0.0", "0.255.255.255", "+1.0.0.0"),
    ("+9.255.255.255", "10.0.0.0", "10.255.255.255", "+11.0.0.0"),
    ("+100.63.255.255", "100.64.0.0", "100.127.255.255", "+100.128.0.0"),
    ("+126.255.255.255", "127.0.0.0", "127.255.255.255", "+128.0.0.0"),
    ("+169.253.255.255", "169.254.0.0", "169.254.255.255", "+169.255.0.0"),
    ("+172.15.255.255", "172.16.0.0", "172.31.255.255", "+172.32.0.0"),
    ("+191.255.255.255", "192.0.0.0", "192.0.0.255", "+192.0.1.0"),
    ("+192.0.1.255", "192.0.2.0", "192.0.2.255", "+192.0.3.0"),
    ("+192.31.195.255", "192.31.196.0", "192.31.196.255", "+192.31.197.0"),
    ("+192.52.192.255", "192.52.193.0", "192.52.193.255", "+192.52.194.0"),
    ("+192.88.98.255", "192.88.99.0", "192.88.99.255", "+192.88.100.0"),
    ("+192.167.255.255", "192.168.0.0", "192.168.255.255", "+192.169.0.0"),
    ("+192.175.47.255", "192.175.48.0", "192.175.48.255", "+192.175.49.0"),
    ("+198.17.255.255", "198.18.0.0", "198.19.255.255", "+198.20.0.0"),
    ("+198.51.99.255", "198.51.100.0", "198.51.100.255", "+198.51.101.0"),
    ("+203.0.112.255", "203.0.113.0", "203.0.113.255", "+203.0.114.0"),
    ("+223.255.255.255", "224.0.0.0", "239.255.255.255", "-240.0.0.0"),
    ("-239.255.255.255", "240.0.0.0", "255.255.255.255", "-"),
    // Unspecified, loopback, IPv4-compatible, mapped and translated: of private addresses and of public ones.
    ("-", "::", "::", "-::1"),
    ("-::", "::1", "::1", "-::2"),
    ("-", "::127.0.0.1", "::8.8.8.8", "-"),
    ("-", "::ffff:0.0.0.0", "::ffff:255.255.255.255", "-"),
    ("-", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "-::ffff:8.8.8.8"),
    ("-", "::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8", "-"),
    // NAT64, its local part, discard-only, dummy, and the rest below 2000::/3.
    ("-64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::", "64:ff9b::ffff:ffff", "-64:ff9b::1:0:0"),
    ("-", "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "-"),
    ("-", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "-64:ff9b:2::"),
    ("-", "100::", "100::ffff:ffff:ffff:ffff", "-100:0:0:1::"),
    ("-", "100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", "-100:0:0:2::"),
    ("-", "::3", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "+2000::"),
    // Within 2001::/23: Teredo, port control, TURN, DNS-SD, benchmarking, AMT, AS112, ORCHID, ORCHIDv2, DRIP.
    ("+2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "+2001:200::"),
    ("-", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "-2001:1::"),
    ("-", "2001:1::1", "2001:1::3", "-"),
    ("-", "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "-"),
    ("-", "2001:3::", "2001:4:112:ffff:ffff:ffff:ffff:ffff", "-"),
    ("-", "2001:10::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", "-"),
    ("+2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "+2001:db9::"),
    ("+2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "+2003::"),
    ("-", "2002:7f00:1::", "2002:808:808::", "-"),
    (
        "+2620:4f:7fff:ffff:ffff:ffff:ffff:ffff",
        "2620:4f:8000::",
        "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
        "+2620:4f:8001::",
    ),
    ("+3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "+3fff:1000::"),
    // Above 2000::/3: segment routing, unique-local, link-local, site-local, multicast.
    ("+3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"),
    ("-", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"),
    ("-", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"),
    ("-", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"),
    ("-", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"),
    ("-", "ff00::", "ff02::1", "-"),
];

#[track_caller]
fn check(address: &str, public: bool) {
    assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
}

#[test]
fn blocks_begin_and_end_where_the_registries_say() {
    for (before, first, last, after) in BLOCKS {
        check(first, false);
        check(last, false);
        for neighbour in [before, after] {
            let (sign, address) = neighbour.split_at(1);
            if !address.is_empty() {
                check(address, sign == "+");
            }
        }
    }
}

#[test]
fn what_is_well_known_is_public_or_not() {
    let public = [
        "1.1.1.1",
        "8.8.8.8",
        "9.9.9.9",
        "52.94.236.248",
        "140.82.112.3",
        "193.0.6.139",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2620:fe::fe",
        "2a00:1450:4001:81b::200e",
    ];
    // Metadata of instances, of containers and over IPv6, the resolver of a VPC, Lambda's own interface.
    let special =
        ["169.254.169.254", "169.254.170.2", "fd00:ec2::254", "169.254.169.253", "169.254.100.1", "127.0.0.1"];
    for address in public {
        check(address, true);
    }
    for address in special {
        check(address, false);
    }
}
