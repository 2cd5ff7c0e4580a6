use super::*;

/// The value of the first setting, shown.
fn value(text: &str) -> Result<String, String> {
    let file = read(text);
    let setting = file.settings.into_iter().next();
    let value = setting.expect("a setting").value;
    value
        .map(|value| format!("{value:?}"))
        .map_err(|why| why.to_string())
}

fn text(text: &str) -> String {
    match read(text).settings.remove(0).value {
        Ok(Value::Text(text)) => text,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn strings_are_those_of_ruby() {
    for (ruby, expected) in [
        ("external_url 'https://a.example'", "https://a.example"),
        ("external_url \"https://a.example\"", "https://a.example"),
        ("external_url('https://a.example')", "https://a.example"),
        (
            "external_url(\n  'https://a.example'\n)",
            "https://a.example",
        ),
        ("a['b'] = 'it\\'s \\\\ \\n'", "it's \\ \\n"),
        (
            "a['b'] = \"x\\ty\\n\\\"\\\\\\e\\s\\q\"",
            "x\ty\n\"\\\u{1b} q",
        ),
        ("a['b'] = \"\\x41\\101\\u00e4\\u{1F600}\"", "AAä😀"),
        ("a['b'] = \"# not a comment\"", "# not a comment"),
        ("a['b'] = '#{no interpolation}'", "#{no interpolation}"),
        ("a['b'] = 'two' \" parts\"", "two parts"),
        ("a['b'] = 'two' \\\n  ' lines'", "two lines"),
        ("a['b'] = \"one\\\n two\"", "one two"),
        ("a['b'] =\n  'below'", "below"),
        ("a['b'] = :symbol", "symbol"),
        ("a['b'] = :\"quoted symbol\"", "quoted symbol"),
        ("a['b'] = %q(it's)", "it's"),
        ("a[:b] = 'x' # said", "x"),
        ("a[ \"b\" ] = 'x'; c['d'] = 1", "x"),
        ("a['b'] = 'x' \r\nc['d'] = 1", "x"),
    ] {
        assert_eq!(text(ruby), expected, "{ruby}");
    }
}

#[test]
fn heredocs_are_those_of_ruby() {
    for (ruby, expected) in [
        (
            "a['b'] = <<~PEM\n  one\n    two\n\n  three\nPEM\n",
            "one\n  two\n\nthree\n",
        ),
        ("a['b'] = <<-EOS\n  one\n  EOS\n", "  one\n"),
        ("a['b'] = <<EOS\none\n EOS\nEOS\n", "one\n EOS\n"),
        ("a['b'] = <<'EOS'\n#{raw} \\n\nEOS\n", "#{raw} \\n\n"),
        (
            "a['b'] = <<~\"EOS\"\n  # no comment\n  EOS\n",
            "# no comment\n",
        ),
        ("a['b'] = <<~EOS\r\n  dos\r\n  EOS\r\n", "dos\n"),
    ] {
        assert_eq!(text(ruby), expected, "{ruby}");
    }
    let file = read("a['b'] = [<<~X, <<~Y]\n  x\nX\n  y\nY\nc['d'] = 1\n");
    let list = vec![Value::Text("x\n".to_owned()), Value::Text("y\n".to_owned())];
    assert_eq!(file.settings[0].value, Ok(Value::List(list)));
    assert_eq!(file.settings[1].position.line, 6);
}

#[test]
fn other_values() {
    for (ruby, expected) in [
        ("a['b'] = true", "Truth(true)"),
        ("a['b'] = false", "Truth(false)"),
        ("a['b'] = nil", "Nil"),
        ("a['b'] = 5_000", "Number(\"5000\")"),
        ("a['b'] = -1.5", "Number(\"-1.5\")"),
        ("a['b'] = %w(x y)", "List([Text(\"x\"), Text(\"y\")])"),
        ("a['b'] = %w[]", "List([])"),
        (
            "a['b'] = [1, # one\n 'two',\n]",
            "List([Number(\"1\"), Text(\"two\")])",
        ),
        (
            "a['b'] = { 'x' => 1, y: true, \"z\": nil, :w => 'v', }",
            "Map([(\"x\", Number(\"1\")), (\"y\", Truth(true)), (\"z\", Nil), (\"w\", Text(\"v\"))])",
        ),
        (
            "a['b'] = {\n  's3' => {\n    'bucket' => 'x'\n  }\n}",
            "Map([(\"s3\", Map([(\"bucket\", Text(\"x\"))]))])",
        ),
    ] {
        assert_eq!(value(ruby).as_deref(), Ok(expected), "{ruby}");
    }
}

#[test]
fn what_ruby_computes_is_named_with_its_place_and_never_guessed() {
    for (ruby, place, said) in [
        (
            "a['b'] = \"https://#{node['fqdn']}\"",
            "1:19",
            "computed when Ruby runs",
        ),
        (
            "a['b'] = <<~X\n  #{x}\nX\n",
            "1:10",
            "computed when Ruby runs",
        ),
        ("a['b'] = ENV['REALM']", "1:10", "`ENV[…`"),
        ("a['b'] = File.read('/etc/x')", "1:10", "`File.read(…`"),
        ("a['b'] = 'x'.strip", "1:13", "`.strip`"),
        ("a['b'] = 'x' + 'y'", "1:14", "expression"),
        ("a['b'] = 'x' if ENV['Y']", "1:14", "`if` behind it"),
        ("a['b'] = 'x' unless true", "1:14", "`unless` behind it"),
        ("a['b'] ||= 'x'", "1:1", "`||=`"),
        ("a['b'] = [1, x]", "1:14", "`x]`"),
        ("a['b'] = {'x' => y()}", "1:18", "`y()}`"),
        ("a['b'] = 'never ends", "1:10", "does not end"),
        ("a['b'] = <<~X\n  no end", "1:10", "no closing line"),
        ("a['b'] = \"\\M-a\"", "1:11", "escape sequence"),
        ("if x\n  a['b'] = 'x'\nend", "2:3", "inside `if … end`"),
        (
            "unless x then\n  a['b'] = 'x'\nend",
            "2:3",
            "inside `unless … end`",
        ),
        (
            "hosts.each do |h|\n  a['b'] = 'x'\nend",
            "2:3",
            "inside `do … end`",
        ),
    ] {
        let told = value(ruby).unwrap_err();
        assert!(told.starts_with(&format!("{place}: ")), "{ruby}: {told}");
        assert!(told.contains(said), "{ruby}: {told}");
    }
}

#[test]
fn the_reader_goes_on_after_what_it_does_not_understand() {
    let last = "external_url 'https://a.example'";
    for before in [
        "from_file '/etc/gitlab/more.rb'",
        "a['b'] = File.read('/etc/x').strip",
        "a['b'] = \"#{x}\"",
        "a['b'] = foo(1,\n  2)",
        "a['b'] = [x,\n  'external_url']",
        "a['b'] = f(<<~X)\n  external_url 'https://wrong.example'\nX",
        "a['b'] = 'x' if y",
        "if x\n  external_url 'https://wrong.example'\nelse\n  b\nend",
        "x.each do |y|\n  a['b'] = y\nend",
        "=begin\nexternal_url 'https://wrong.example'\n=end",
        "# external_url 'https://wrong.example'",
        "require 'json'",
        "x = 5",
        "a['b'] = 1 unless c",
        "*&^% not ruby",
    ] {
        let file = read(&format!("{before}\n{last}\n"));
        let found = file.settings.last().unwrap();
        assert_eq!(found.name, "external_url", "{before}\n{file:?}");
        let expected = Ok(Value::Text("https://a.example".to_owned()));
        assert_eq!(found.value, expected, "{before}");
    }
    assert_eq!(read("a['b'] = 1\n__END__\na['b'] = 2").settings.len(), 1);
    assert_eq!(read("\n=begin\nx\n=end\na['b'] = 1").settings.len(), 1);
}

#[test]
fn no_text_makes_it_fail_or_hang() {
    for text in [
        "",
        "\n",
        "a[",
        "a['",
        "a['b'",
        "a['b']",
        "a['b'] =",
        "a['b'] = [",
        "a['b'] = {",
        "%w(",
        "a['b'] = %",
        "a['b'] = <<",
        "a['b'] = <<~",
        "a['b'] = :",
        "end\nend",
        "=begin",
        "\u{0}",
        "a['b'] = {'x'",
        "a['b'] = {'x' =>",
        "((((",
        "'",
        "\"\\",
        "<<~X",
        "ü['b'] = 1",
    ] {
        let _ = read(text);
    }
    let sample = include_str!("../../../tests/samples/omnibus.rb");
    for (end, _) in sample.char_indices() {
        let _ = read(&sample[..end]);
    }
    let deep = format!("a['b'] = {}", "[".repeat(100_000));
    assert!(read(&deep).settings[0].value.is_err());
}

#[test]
fn a_reason_shows_no_text_in_quotes() {
    for ruby in [
        "registry['internal_key'] = OpenSSL.load(\"SECRET\")",
        "registry['internal_key'] = 'SECRET'.strip",
        "foo 'SECRET', 1",
        "registry['internal_key'] = \"SECRET\" + x",
        "x = 'SECRET'",
        "registry['internal_key'] = SECRETSECRETSECRETSECRETSECRET",
    ] {
        assert!(
            !format!("{:?}", read(ruby).unread).contains("SECRET"),
            "{ruby}"
        );
        for setting in read(ruby).settings {
            let why = setting.value.unwrap_err().to_string();
            assert!(!why.contains("SECRET"), "{ruby}: {why}");
        }
    }
}
