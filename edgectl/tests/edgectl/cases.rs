//! The command line as a person sees it: `tests/cases`, one file a command.

#[test]
fn what_is_typed_and_what_is_printed() {
    let cases = trycmd::TestCases::new();
    cases.register_bin(
        "edgectl",
        trycmd::schema::Bin::Path(env!("CARGO_BIN_EXE_edgectl").into()),
    );
    // One width for everybody's help.
    cases.env("COLUMNS", "100").env("NO_COLOR", "1");
    cases.case("tests/cases/*.trycmd");
}
