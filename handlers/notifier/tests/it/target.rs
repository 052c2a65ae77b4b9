//! What may be called, however it is written.

use coffeeshop_notifier::webhook::target::{Allow, Refused, Target};

/// The code of the rule that a URL breaks, or what is shown of it.
fn parsed(url: &str, allow: &str) -> String {
    match Target::parse(url, &allow.parse().unwrap()) {
        Ok(target) => target.to_string(),
        Err(refused) => refused.code().to_owned(),
    }
}

#[track_caller]
fn check(rows: &[(&str, &str)], allow: &str) {
    for (url, expected) in rows {
        assert_eq!(parsed(url, allow), *expected, "{url}");
    }
}

#[test]
fn what_is_public_may_be_called() {
    check(
        &[
            ("https://hooks.example/a?b=c#d", "https://hooks.example:443"),
            ("https://hooks.example:443", "https://hooks.example:443"),
            ("  HTTPS://Hooks.EXAMPLE/  ", "https://hooks.example:443"),
            ("https://hooks.example./", "https://hooks.example.:443"),
            ("https://bücher.example/", "https://xn--bcher-kva.example:443"),
            ("https://%68ooks.example/", "https://hooks.example:443"),
            ("https:\\\\hooks.example\\a", "https://hooks.example:443"),
            // What browsers make of it: the host is what is before the backslash.
            ("https://hooks.example\\@other.example/", "https://hooks.example:443"),
            ("https://@hooks.example/", "https://hooks.example:443"),
            ("https://1.1.1.1/", "https://1.1.1.1:443"),
            ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]:443"),
            // Names: what they lead to is found when they are looked up.
            ("https://localhost/", "https://localhost:443"),
            ("https://localhost./", "https://localhost.:443"),
            ("https://127.0.0.1.nip.example/", "https://127.0.0.1.nip.example:443"),
            ("https:///hooks.example/", "https://hooks.example:443"),
        ],
        "",
    );
}

#[test]
fn what_breaks_a_rule_is_refused() {
    check(
        &[
            ("", "not_a_url"),
            ("hooks.example", "not_a_url"),
            ("//hooks.example/", "not_a_url"),
            ("https://", "not_a_url"),
            ("https://:443/", "not_a_url"),
            ("https://?a", "not_a_url"),
            ("https://user@/", "not_a_url"),
            ("https://hooks.example:65536/", "not_a_url"),
            ("https://hooks.example:https/", "not_a_url"),
            ("https://ho oks.example/", "not_a_url"),
            ("https://hooks.example%2f.other.example/", "not_a_url"),
            ("https://[::1", "not_a_url"),
            ("https://[fe80::1%25eth0]/", "not_a_url"),
            ("https://[fe80::1%eth0]/", "not_a_url"),
            ("https://1.2.3.256/", "not_a_url"),
            ("https://0x100000000/", "not_a_url"),
            ("https://1.2.3.4.5/", "not_a_url"),
            ("http://hooks.example/", "not_https"),
            ("http://hooks.example:443/", "not_https"),
            ("ws://hooks.example/", "not_https"),
            ("ftp://hooks.example/", "not_https"),
            ("file:///etc/passwd", "not_https"),
            ("gopher://127.0.0.1:6379/_x", "not_https"),
            ("data:,x", "not_https"),
            ("mailto:a@hooks.example", "not_https"),
            ("httpss://hooks.example/", "not_https"),
            ("https://user@hooks.example/", "userinfo"),
            ("https://user:password@hooks.example/", "userinfo"),
            ("https://:password@hooks.example/", "userinfo"),
            ("https://hooks.example@127.0.0.1/", "userinfo"),
            ("https://hooks.example:80/", "port"),
            ("https://hooks.example:8443/", "port"),
            ("https://hooks.example:0/", "port"),
        ],
        "",
    );
}

#[test]
fn an_address_is_found_however_it_is_written() {
    let rows = [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0X7F.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "0x7f.0.0.0x1",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "0",
        "0.0.0.0",
        "169.254.169.254",
        "0xa9fea9fe",
        "10.0.0.1",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::FFFF:7F00:1]",
        "[::ffff:8.8.8.8]",
        "[64:ff9b::169.254.169.254]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ];
    for host in rows {
        assert_eq!(parsed(&format!("https://{host}/"), ""), "address", "{host}");
    }
    let refused = Target::parse("https://0x7f.1/", &Allow::default()).unwrap_err();
    assert_eq!(refused, Refused::Address { address: [127, 0, 0, 1].into() });
    assert_eq!(refused.to_string(), "the webhook's address 127.0.0.1 is not public");
}

#[test]
fn the_list_exempts_a_host_on_a_port_and_nothing_else() {
    let allow = " localhost:8080, 127.0.0.1:80,[::1]:8443 ,Internal.EXAMPLE:443,bücher.example:80";
    check(
        &[
            ("http://localhost:8080/", "http://localhost:8080"),
            ("https://localhost:8080/", "https://localhost:8080"),
            ("http://LOCALHOST:8080/", "http://localhost:8080"),
            ("http://user:password@localhost:8080/", "http://localhost:8080"),
            ("http://127.0.0.1/", "http://127.0.0.1:80"),
            ("http://0x7f.1:80/", "http://127.0.0.1:80"),
            ("https://[::1]:8443/", "https://[::1]:8443"),
            ("https://[0::1]:8443/", "https://[::1]:8443"),
            ("https://internal.example/", "https://internal.example:443"),
            ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example:80"),
            // Another port, another name of it, another scheme.
            ("http://localhost:8081/", "not_https"),
            ("http://localhost/", "not_https"),
            ("https://localhost:8081/", "port"),
            ("http://localhost.:8080/", "not_https"),
            ("http://a.localhost:8080/", "not_https"),
            ("https://127.0.0.1/", "address"),
            ("https://127.0.0.2:80/", "port"),
            ("https://[::1]/", "address"),
            ("http://internal.example/", "not_https"),
            ("ftp://localhost:8080/", "not_https"),
            ("foo://localhost:8080/", "not_https"),
        ],
        allow,
    );
}

#[test]
fn a_list_that_cannot_be_read_names_its_entry() {
    for list in ["", " ", "a:1", "a:1,b:2", "[::1]:8080"] {
        list.parse::<Allow>().unwrap();
    }
    let rows = [
        ("a", "a"),
        ("a:", "a:"),
        (":80", ":80"),
        ("a:1,b", "b"),
        ("a:1,", ""),
        ("a:1,,b:2", ""),
        ("a:0", "a:0"),
        ("a:65536", "a:65536"),
        ("a:+80", "a:+80"),
        ("a: 80", "a: 80"),
        ("a:http", "a:http"),
        ("::1:80", "::1:80"),
        ("[::1]", "[::1]"),
        ("[::1%25eth0]:80", "[::1%25eth0]:80"),
        ("http://a:80", "http://a:80"),
        ("a:80/", "a:80/"),
        ("user@a:80", "user@a:80"),
        ("*:80", "*:80"),
        ("*.example:80", "*.example:80"),
        ("1.2.3.4.5:80", "1.2.3.4.5:80"),
    ];
    for (list, entry) in rows {
        let error = list.parse::<Allow>().unwrap_err();
        assert_eq!(error.entry, entry, "{list}");
        assert_eq!(error.to_string(), format!("`{entry}` in the list of allowed webhooks is not `host:port`"));
    }
}

#[test]
fn what_follows_the_host_is_not_shown() {
    let target = Target::parse("https://hooks.example/services/T0/B0/password?key=x", &Allow::default()).unwrap();
    assert_eq!(format!("{target:?}"), "Target(https://hooks.example:443)");
}
