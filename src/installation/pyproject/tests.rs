use super::*;

fn parse(text: &str) -> Result<Pyproject> {
    Pyproject::parse(Path::new("pyproject.toml"), text)
}

fn texts(dependencies: &[Dependency]) -> Vec<&str> {
    let texts = dependencies.iter().map(|one| one.requirement.as_str());
    texts.collect()
}

#[test]
fn names_python_and_packages_are_read() {
    let found = parse(
        "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n\
         [project]\nname = 'My.Proj'\nrequires-python = '>=3.10'\n\
         dependencies = [\n  'numpy>=1.26', # why\n  'torch @ git+https://h/t',\n]\n",
    )
    .expect("valid");
    assert_eq!(found.name.as_deref(), Some("My.Proj"));
    assert_eq!(found.requires_python.expect("some").to_string(), ">=3.10");
    assert_eq!(
        texts(&found.dependencies),
        ["numpy>=1.26", "torch @ git+https://h/t"]
    );
    assert_eq!(found.dependencies[1].line, 9);
    assert_eq!(texts(&found.build_requires), ["hatchling", "editables"]);
    assert!(found.settles_dependencies && found.optional.is_empty());
}

#[test]
fn a_project_that_does_not_say_is_built_by_setuptools() {
    let found = parse("\u{feff}[project]\nname='x'\ndynamic = ['dependencies']\n").expect("valid");
    assert_eq!(texts(&found.build_requires), ["setuptools"]);
    assert!(!found.settles_dependencies);
    let tools_only = parse("[tool.ruff]\nline-length = 99\n").expect("valid");
    assert!(tools_only.build_requires.is_empty() && !tools_only.is_package);
}

#[test]
fn files_that_hold_the_dependencies_are_named() {
    let files = |text: &str| -> Vec<(String, usize)> {
        let found = parse(&format!("[project]\nname = 'x'\n{text}")).expect(text);
        let files = found.dependency_files.into_iter();
        files.map(|one| (one.file, one.line)).collect()
    };
    let table = "[tool.setuptools.dynamic]\ndependencies = ";
    let dynamic = "dynamic = ['dependencies']\n";
    assert_eq!(
        files(&format!("{dynamic}{table}{{file = ['a.txt',\n'b.txt']}}")),
        [("a.txt".to_owned(), 5), ("b.txt".to_owned(), 6)]
    );
    assert_eq!(
        files(&format!("{dynamic}{table}{{file = 'a.txt'}}")),
        [("a.txt".to_owned(), 5)]
    );
    assert_eq!(files(&format!("{table}{{file = 'a.txt'}}")), []);
    assert_eq!(files(dynamic), []);
}

#[test]
fn what_is_not_for_everybody_is_named() {
    let found = parse(
        "[project]\nname = 'x'\n[project.optional-dependencies]\ndocs = ['a']\ntest = ['b']\n\
         [dependency-groups]\ndev = ['c']\n[tool.poetry.group.lint.dependencies]\nruff = '*'\n\
         [tool.poetry.dev-dependencies]\npytest = '^8'\n",
    )
    .expect("valid");
    assert_eq!(
        found.optional,
        [
            "[project.optional-dependencies] docs, test",
            "[dependency-groups] dev",
            "[tool.poetry.group.lint.dependencies] ruff",
            "[tool.poetry.dev-dependencies] pytest",
        ]
    );
    assert!(found.dependencies.is_empty() && found.poetry_dependencies.is_empty());
}

#[test]
fn what_is_wrong_is_pointed_at() {
    for (text, line) in [
        ("[project]\nname = \n", 2),
        ("[project]\ndependencies = 3\n", 2),
        ("[project]\ndependencies = [\n  'a',\n  3,\n]\n", 4),
        (
            "[project]\ndependencies = [\n  'a',\n  'numpy >>> 1',\n]\n",
            4,
        ),
        ("[project]\ndependencies = ['./x']\n", 2),
        ("[build-system]\nrequires = ['-e .']\n", 2),
        ("[project]\n\nrequires-python = 'three'\n", 3),
        ("[project]\nname = ['x']\n", 2),
    ] {
        let error = parse(text).expect_err("wrong");
        assert_eq!(error.places()[0].line_number(), Some(line), "{text}");
    }
}

/// What `[tool.poetry.dependencies]` with these lines gives, and what is left out of it.
fn poetry(lines: &str) -> (Vec<String>, Vec<(String, usize, String)>) {
    let text = format!("[tool.poetry]\nname = 'x'\n[tool.poetry.dependencies]\n{lines}");
    let found = parse(&text).expect(lines);
    let given = found.poetry_dependencies.into_iter();
    let left = found.left_out.into_iter();
    (
        given.map(|one| one.requirement).collect(),
        left.map(|one| (one.what, one.line - 3, one.why)).collect(),
    )
}

#[test]
fn poetrys_packages_are_translated() {
    for (written, expected) in [
        ("numpy = '^1.26'", "numpy>=1.26,<2.0"),
        ("numpy = '~1.2'", "numpy>=1.2,<1.3"),
        ("numpy = '1.2.3'", "numpy==1.2.3"),
        ("numpy = '*'", "numpy"),
        ("numpy = {}", "numpy"),
        (
            "a = {version = '^20.1', extras = ['x', 'y'], develop = true}",
            "a[x,y]>=20.1,<21.0",
        ),
        (
            "a = {version = '*', markers = \"os_name == 'nt' or extra == 'x'\", python = '^3.9'}",
            "a ; python_version >= \"3.9\" and python_version < \"4.0\" and (os_name == 'nt' or extra == 'x')",
        ),
        ("a = {version = '1.0', python = '*'}", "a==1.0"),
        (
            "a = {version = '1.0', python = '>3.9,<=3.12'}",
            "a==1.0 ; python_full_version > \"3.9.0\" and python_full_version <= \"3.12.0\"",
        ),
        (
            "a = {version = '1.0', platform = 'linux || darwin'}",
            "a==1.0 ; sys_platform == \"linux\" or sys_platform == \"darwin\"",
        ),
        (
            "a = {version = '<2', python = '<3.8 || >=3.10.2', platform = 'linux'}",
            "a<2 ; (python_version < \"3.8\" or python_full_version >= \"3.10.2\") and sys_platform == \"linux\"",
        ),
        (
            "a = {version = '<2', python = '3.11.*', platform = '!=win32'}",
            "a<2 ; python_version == \"3.11.*\" and sys_platform != \"win32\"",
        ),
        (
            "a = {git = 'https://h/a.git', rev = '38eb5d3b'}",
            "a @ git+https://h/a.git@38eb5d3b",
        ),
        (
            "a = {git = 'git@h:lab/a.git', branch = 'next', subdirectory = 'sub'}",
            "a @ git+ssh://git@h/lab/a.git@next#subdirectory=sub",
        ),
        (
            "a = {git = 'https://h/a.git', tag = 'v1', extras = ['x']}",
            "a[x] @ git+https://h/a.git@v1",
        ),
        (
            "a = {url = 'https://h/a-1.zip', platform = 'darwin'}",
            "a @ https://h/a-1.zip ; sys_platform == \"darwin\"",
        ),
        (
            "[tool.poetry.dependencies.a]\nversion = '^1'\nextras = ['x']",
            "a[x]>=1,<2",
        ),
    ] {
        let (given, left) = poetry(written);
        assert_eq!(given, [expected], "{written}: {left:?}");
        assert_eq!(left, [], "{written}");
    }
}

#[test]
fn several_constraints_are_several_lines() {
    let expected = [
        "foo<=1.9 ; python_version >= \"3.6\" and python_version < \"3.8\"",
        "foo>=2.0,<3.0 ; python_version >= \"3.8\"",
    ];
    let (given, left) = poetry(
        "foo = [\n  {version = '<=1.9', python = '>=3.6,<3.8'},\n  {version = '^2.0', python = '>=3.8'}\n]\n",
    );
    assert_eq!(
        (given, left),
        (expected.map(str::to_owned).to_vec(), vec![])
    );
    let (given, _) = poetry(
        "[[tool.poetry.dependencies.foo]]\nversion = '<=1.9'\npython = '>=3.6,<3.8'\n\
         [[tool.poetry.dependencies.foo]]\nversion = '^2.0'\npython = '>=3.8'\n",
    );
    assert_eq!(given, expected);
}

#[test]
fn what_of_poetrys_cannot_be_translated_is_named_with_its_line() {
    for (written, why) in [
        ("\na = '^1 || ^3'", "alternatives"),
        ("\na = 'latest'", "cannot be translated"),
        ("\na = 3", "neither versions nor a table"),
        ("\na = {path = '../a', develop = true}", "not `../a`"),
        ("\na = {file = 'a.whl'}", "not `a.whl`"),
        ("\na = {git = '../a.git'}", "repositories of this machine"),
        (
            "\na = {git = 'file:///a.git'}",
            "repositories of this machine",
        ),
        ("\na = {version = '1', optional = true}", "optional"),
        ("\na = {version = '1', extras = 'x'}", "extras"),
        (
            "\na = {version = '1', python = 'three'}",
            "versions of Python",
        ),
        ("\na = {version = '1', platform = 'a b'}", "platform"),
        ("\na = {version = '1', markers = 'nonsense'}", "marker"),
        ("\n'a b' = '1'", "not"),
        ("\npython = '>=3.8 || 2.7.*'", "--python"),
        ("[tool.poetry.dependencies.a]\npath = 'x'", "not `x`"),
    ] {
        let (given, left) = poetry(written);
        assert!(given.is_empty(), "{written}: {given:?}");
        let [(_, line, reason)] = left.as_slice() else {
            panic!("{written}: {left:?}")
        };
        assert!(reason.contains(why), "{written}: {reason}");
        assert_eq!(
            *line,
            if written.starts_with('\n') { 2 } else { 1 },
            "{written}"
        );
    }
    let (given, left) = poetry("a = {version = '1.0', source = 'lab', allow-prereleases = true}\n");
    assert_eq!(given, ["a==1.0"]);
    assert!(
        left[0].0.contains("lab") && left[1].0.contains("allow-prereleases"),
        "{left:?}"
    );
}

#[test]
fn poetrys_table_counts_where_the_project_has_no_list() {
    let poetry =
        "[tool.poetry.dependencies]\npython = '^3.10'\nnumpy = {path = 'x'}\nscipy = '^1.0'\n";
    let found = parse(&format!("[tool.poetry]\nname = 'p'\n{poetry}")).expect("valid");
    assert_eq!(found.name.as_deref(), Some("p"));
    assert_eq!(
        found.requires_python.expect("some").to_string(),
        ">=3.10, <4.0"
    );
    assert_eq!(texts(&found.poetry_dependencies), ["scipy>=1.0,<2.0"]);
    let both = "[project]\nname = 'q'\nrequires-python = '>=3.11'\ndependencies = ['scipy']\n";
    let found = parse(&format!("{both}{poetry}")).expect("valid");
    assert_eq!(found.requires_python.expect("some").to_string(), ">=3.11");
    assert!(found.poetry_dependencies.is_empty() && found.left_out.is_empty());
}
