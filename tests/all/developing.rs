//! The daily path of a tool developer, as `docs/guides/first-plugin.md` tells it: that page is the test.
//!
//! The mistake it stops: a tutorial that worked for whoever wrote it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use interlock_tests::{interlock, read, root};

use crate::languages;

/// Where the page's chapters about Python and JavaScript begin.
const IN_PYTHON: &str = "## The same in Python\n";
const IN_JAVASCRIPT: &str = "## The same in JavaScript\n";

/// One thing that the page tells to do.
#[derive(Debug)]
enum Do {
    Run(String),
    Write(String, String),
}

/// The commands of the page, and the files that it shows in full, in order.
fn steps(page: &str) -> Result<Vec<Do>> {
    let (mut steps, mut file, mut text) = (Vec::new(), None, None::<String>);
    let mut shell = false;
    for line in page.lines() {
        if let Some(name) = line.strip_prefix("<!-- file: ") {
            file = Some(name.trim_end_matches(" -->").to_owned());
        } else if let Some(fence) = line.strip_prefix("```") {
            match (text.take(), fence) {
                (Some(text), _) => steps.push(Do::Write(file.take().context("no name")?, text)),
                (None, "rust") if file.is_some() => text = Some(String::new()),
                (None, fence) => shell = fence == "sh",
            }
        } else if let Some(text) = &mut text {
            text.push_str(line);
            text.push('\n');
        } else if shell && !line.trim().is_empty() {
            steps.push(Do::Run(line.to_owned()));
        }
    }
    Ok(steps)
}

/// What a chapter needs installed: folders before the machine's in `PATH`, and other variables.
#[derive(Clone, Default)]
struct Tools {
    path: Vec<PathBuf>,
    variables: Vec<(&'static str, OsString)>,
}

/// Python's and JavaScript's, where each can be had.
fn tools() -> Result<[Option<Tools>; 2]> {
    let python = languages::componentize()?.map(|(bin, packages)| Tools {
        path: vec![bin],
        variables: vec![("PYTHONPATH", packages.into())],
    });
    // Nothing is fetched while the page is run, and what npm has of the developer is not its business.
    let javascript = languages::npm()?.map(|(path, cache)| Tools {
        path: std::env::split_paths(&path).collect(),
        variables: vec![("npm_config_cache", cache.into()), ("npm_config_offline", "true".into())],
    });
    Ok([python, javascript])
}

/// Whether plugins can be compiled by the toolchain that a developer would use.
fn can_compile() -> Result<bool> {
    let rustc = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-wasip2"])
        .output()?;
    let folder = PathBuf::from(String::from_utf8_lossy(&rustc.stdout).trim().to_owned());
    Ok(fs::read_dir(folder).is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
        })
    }))
}

/// Runs one command of the page, with what a chapter needs installed; gives what it printed.
fn run(line: &str, folder: &Path, tools: &Tools) -> Result<String> {
    let output = ran(line, folder, tools)?;
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "$ {line}\n{}\n{out}{err}", output.status);
    Ok(format!("{out}{err}"))
}

/// The same, however it ends.
fn ran(line: &str, folder: &Path, tools: &Tools) -> Result<Output> {
    let beside = interlock()?.parent().context("no folder")?.to_owned();
    let machine = std::env::var_os("PATH").unwrap_or_default();
    let all = [beside].into_iter().chain(tools.path.iter().cloned());
    let path = std::env::join_paths(all.chain(std::env::split_paths(&machine)))?;
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(folder).stdin(Stdio::null());
    command.env("PATH", path).env("NO_COLOR", "1");
    command.envs(tools.variables.iter().map(|(name, value)| (name, value)));
    // What cargo set for this test is not what a developer has.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_") && name != "CARGO_HOME" || name == "RUSTFLAGS" {
            command.env_remove(name);
        }
    }
    Ok(command.output()?)
}

#[test]
fn the_page_about_a_first_plugin_leads_from_nothing_to_a_call() -> Result<()> {
    if !can_compile()? {
        use std::io::Write;
        writeln!(
            std::io::stderr(),
            "SKIPPED a first plugin cannot be compiled: this toolchain has no target wasm32-wasip2"
        )?;
        return Ok(());
    }
    let page = read("docs/guides/first-plugin.md")?;
    let (rust, python) = page.split_once(IN_PYTHON).context("no chapter about Python")?;
    let (python, javascript) =
        python.split_once(IN_JAVASCRIPT).context("no chapter about JavaScript")?;
    ensure!(python.contains(&format!("`pip install {}`", languages::COMPONENTIZE)));
    ensure!(javascript.contains(&format!("`{}`", languages::COMPONENTIZE_QJS)));
    let mut all: Vec<(Tools, Do)> =
        steps(rust)?.into_iter().map(|step| (Tools::default(), step)).collect();
    ensure!(all.len() > 15, "{}", all.len());
    let [for_python, for_javascript] = tools()?;
    let in_javascript = for_javascript.is_some();
    // Where PyPI or npm cannot be reached, which is said loudly, the rest of the page is still tried.
    for (chapter, tools) in [(python, for_python), (javascript, for_javascript)] {
        let steps = steps(chapter)?;
        ensure!(steps.len() > 8, "{steps:#?}");
        if let Some(tools) = tools {
            all.extend(steps.into_iter().map(|step| (tools.clone(), step)));
        }
    }
    let place = tempfile::tempdir()?;
    let mut folder = place.path().canonicalize()?;
    // What the example plugins and this one both need is compiled once.
    let target = root().join("examples/target");
    let mut took = Vec::new();
    for (tools, step) in &all {
        let line = match step {
            Do::Write(name, text) => {
                let plugin = place.path().join("look-after");
                fs::write(plugin.join(name), text)?;
                continue;
            }
            Do::Run(line) => line,
        };
        if let Some(to) = line.strip_prefix("cd ") {
            folder = folder.join(to).canonicalize()?;
            continue;
        }
        let started = Instant::now();
        let said = run(line, &folder, tools)?;
        took.push((started.elapsed(), line.clone()));
        let must_say: &[&str] = match line.as_str() {
            line if line.ends_with("--lang python") => &["made look-again", "python3 -m unittest"],
            line if line.ends_with("--lang js") => &["made look-over", "npm install", "npm test"],
            "npm install" => &["added"],
            "npm test" => &["pass 2", "fail 0"],
            "python3 -m unittest" => &["Ran 2 tests", "OK"],
            line if line.starts_with("interlock new") => {
                let link = place.path().join("look-after/target");
                fs::create_dir_all(&target)?;
                std::os::unix::fs::symlink(&target, link)?;
                &["made look-after", "interlock build"]
            }
            "cargo test" => &["test result: ok", "passed"],
            "interlock build" => &["Asks for", "interlock plugin install"],
            line if line.contains(".look ") => &["\"api in prod is healthy\""],
            line if line.contains("bring-back '") => &["rolled back to version 1", "restarted"],
            line if line.starts_with("interlock journal") => &["outcome", "ended"],
            _ => &[],
        };
        for word in must_say {
            ensure!(said.contains(word), "$ {line}\nit does not say `{word}`:\n{said}");
        }
    }
    the_same_elsewhere(place.path(), &target)?;
    if in_javascript {
        without_tools(&place.path().join("look-over"), all.last().context("no steps")?)?;
    }
    let all: Duration = took.iter().map(|(time, _)| *time).sum();
    for (time, line) in took {
        println!("{:>7.1}s  {}", time.as_secs_f64(), line.chars().take(70).collect::<String>());
    }
    println!("{:>7.1}s  in all", all.as_secs_f64());
    Ok(())
}

/// The plugin at another place: the same digest, and nobody's folder in it.
fn the_same_elsewhere(place: &Path, target: &Path) -> Result<()> {
    let component = target.join("wasm32-wasip2/release/look_after.wasm");
    let first = fs::read(&component)?;
    let (from, to) = (place.join("look-after"), place.join("not the same folder/look-after"));
    fs::create_dir_all(to.join("src"))?;
    // Newer than what was compiled, so that it is compiled again.
    for file in ["Cargo.toml", "Cargo.lock", "src/lib.rs"] {
        fs::copy(from.join(file), to.join(file))?;
    }
    std::os::unix::fs::symlink(target, to.join("target"))?;
    fs::remove_file(&component)?;
    run("interlock build", &to, &Tools::default())?;
    let second = fs::read(&component)?;
    ensure!(first == second, "another digest at another place");
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let folders = [Some(place.to_owned()), Some(root()), home];
    for folder in folders.into_iter().flatten().filter(|folder| folder.as_os_str().len() > 1) {
        let named = format!("{}/", folder.display());
        let found = first.windows(named.len()).any(|bytes| bytes == named.as_bytes());
        ensure!(!found, "the component names {}", folder.display());
    }
    Ok(())
}

/// A plugin in JavaScript that forgot to say which tools it has: known when it is built, and told as that.
fn without_tools(plugin: &Path, (tools, _): &(Tools, Do)) -> Result<()> {
    let module = plugin.join("plugin.js");
    let text = fs::read_to_string(&module)?;
    for instead in
        ["plugin(look);", "export const tool = plugin(look);", "export const tools = {};"]
    {
        fs::write(&module, text.replace("export const tools = plugin(look);", instead))?;
        let built = ran("interlock build", plugin, tools)?;
        let said = String::from_utf8_lossy(&built.stderr);
        let helps =
            said.contains("no export `tools`") && said.contains("export const tools = plugin(");
        ensure!(built.status.code() == Some(2) && helps, "{instead}: {}\n{said}", built.status);
        ensure!(
            !said.contains("entry.js") && !plugin.join("build/look-over.wasm").exists(),
            "{said}"
        );
    }
    Ok(())
}

/// What a developer gets wrong first, and what they are told.
#[test]
fn the_usual_mistakes_of_a_developer_are_told_with_what_helps() -> Result<()> {
    let place = tempfile::tempdir()?;
    let binary = interlock()?.display().to_string();
    // The compiler is another program, and here one of ours.
    let compiler = place.path().join("cargo");
    let told = |words: &[&str], code: i32, says: &[&str]| -> Result<()> {
        let output = Command::new(&binary)
            .args(words)
            .current_dir(place.path())
            .env("CARGO", &compiler)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        if output.status.code() != Some(code) || !says.iter().all(|word| said.contains(word)) {
            bail!("{words:?} {}: not {code} and {says:?}:\n{said}", output.status);
        }
        ensure!(!said.contains('\u{1b}'), "{said:?}");
        Ok(())
    };
    told(&["new", "Look_After"], 2, &["lower-case"])?;
    told(&["new", "x", "--sdk", "/nowhere"], 2, &["not the guest SDK"])?;
    ensure!(fs::read_dir(place.path())?.next().is_none(), "something was left behind");
    told(&["new", "look-after"], 0, &["made look-after"])?;
    told(&["new", "look-after"], 2, &["there already"])?;
    told(&["build"], 2, &["no plugin's folder", "interlock new"])?;
    // What the compiler says is shown, and what it cannot know is added.
    let script = |text: &str| -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        fs::write(&compiler, format!("#!/bin/sh\n{text}\n"))?;
        Ok(fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755))?)
    };
    let build = |code: i32, says: &[&str]| told(&["build", "look-after"], code, says);
    build(2, &["cargo cannot be started", "rustup.rs"])?;
    script("echo \"error[E0463]: can't find crate for \\`core\\`\" >&2; exit 101")?;
    build(2, &["no target wasm32-wasip2", "rustup target add wasm32-wasip2"])?;
    script(
        "echo '   Compiling serde v1' >&2; printf 'error: expected one of \\033[2J\\n' >&2; exit 101",
    )?;
    build(2, &["does not compile", "| error: expected one of"])?;
    script("exit 0")?;
    build(2, &["no component", "cdylib"])?;
    let wasm = place.path().join("p.wasm");
    fs::write(&wasm, "not wasm")?;
    script(&format!(
        "echo '{{\"reason\":\"compiler-artifact\",\"filenames\":[\"{}\"]}}'",
        wasm.display()
    ))?;
    build(2, &["error:"])?;
    let alien = r#"(component
        (import "acme:cache/admin@1.0.0" (instance (export "evict" (func))))
        (core module $m (func (export "go")))
        (core instance $i (instantiate $m))
        (func (export "go") (canon lift (core func $i "go"))))"#;
    fs::write(&wasm, wat::parse_str(alien)?)?;
    build(2, &["acme:cache/admin@1.0.0", "catalogues"])?;
    Ok(())
}

/// The same of a developer in Python, where the tool is another program, and here one of ours.
#[test]
fn the_usual_mistakes_of_a_developer_in_python_are_told_with_what_helps() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir()?;
    let (bin, plugin) = (place.path().join("bin"), place.path().join("look-again"));
    fs::create_dir(&bin)?;
    let told = |words: &[&str], code: i32, says: &[&str]| -> Result<()> {
        let mut command = Command::new(interlock()?);
        command.args(words).current_dir(place.path()).env("PATH", &bin).env("NO_COLOR", "1");
        let output = command.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let all = says.iter().all(|word| said.contains(word));
        ensure!(output.status.code() == Some(code) && all, "{words:?} not {says:?}:\n{said}");
        ensure!(!said.contains("AssertionError") && !said.contains('\u{1b}'), "{said:?}");
        Ok(())
    };
    told(&["new", "world", "--lang", "python"], 2, &["something else by that name"])?;
    told(&["new", "look-again", "--lang", "python", "--sdk", "bin"], 2, &["not the guest SDK"])?;
    ensure!(!plugin.exists(), "something was left behind");
    told(&["new", "look-again", "--lang", "python"], 0, &[])?;
    let build = |says: &[&str]| told(&["build", "look-again"], 2, says);
    build(&["not installed", "pip install componentize-py=="])?;
    let script = |name: &str, text: &str| -> Result<()> {
        fs::write(bin.join(name), format!("#!/bin/sh\n{text}\n"))?;
        Ok(fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755))?)
    };
    script(
        "python3",
        "echo \"ModuleNotFoundError: No module named 'componentize_py'\" >&2; exit 1",
    )?;
    build(&["not installed", "pip install componentize-py=="])?;
    script(
        "componentize-py",
        "printf 'Traceback\\nAssertionError: Traceback (most recent call last):\\n  File \"/1/plugin.py\", line 3\\n\\033[2J\\n' >&2; exit 1",
    )?;
    build(&["does not build", "|   File \"plugin.py\", line 3"])?;
    script("componentize-py", "exit 0")?;
    build(&["made no component"])?;
    // The world is read before any tool is started.
    fs::remove_file(bin.join("componentize-py"))?;
    let world = fs::read_to_string(plugin.join("wit/world.wit"))?;
    for (old, new, says) in [
        ("observe@0.1.0", "observe@0.9.0", "interlock:environment@0.9.0"),
        ("environment/observe", "environment/watch", "wit/world.wit:7:"),
        ("interlock:environment/observe@0.1.0", "acme:cache/admin@1.0.0", "acme:cache@1.0.0"),
    ] {
        fs::write(plugin.join("wit/world.wit"), world.replace(old, new))?;
        build(&[
            says,
            "This host has:",
            "interlock:environment@0.1.0  types, observe",
            "wit/deps",
        ])?;
    }
    Ok(())
}

/// What `new` makes in JavaScript, and what it does not, in a folder with an empty `bin`, which is all of `PATH`.
fn made_in_javascript(
    place: &Path,
    told: impl Fn(&[&str], i32, &[&str]) -> Result<()>,
) -> Result<()> {
    let new = |name: &str, more: &[&str], code: i32, says: &[&str]| {
        told(&[&["new", name, "--lang", "js"], more].concat(), code, says)
    };
    new("world", &[], 2, &["something else by that name"])?;
    new("interlock-guest", &[], 2, &["something else by that name"])?;
    new("look-over", &["--sdk", "bin"], 2, &["not the guest SDK"])?;
    ensure!(!place.join("look-over").exists(), "something was left behind");
    new("look-over", &[], 0, &["npm install", "npm test"])?;
    new("look-over", &[], 2, &["there already"])?;
    let build = |says: &[&str]| told(&["build", "look-over"], 2, says);
    build(&["no interlock-guest", "npm install", "npm comes with Node", "https://nodejs.org"])?;
    // npm makes a link to whatever package.json names, there or not.
    let modules = place.join("look-over/node_modules");
    fs::create_dir(&modules)?;
    std::os::unix::fs::symlink("/nowhere/js", modules.join("interlock-guest"))?;
    build(&["a link to /nowhere/js, where nothing is", "`guest-sdk/js`", "npm install"])?;
    // A path of any name is one text of JSON.
    let odd = "an \"odd\" \\ SDK";
    let sdk = place.join(odd);
    fs::create_dir_all(sdk.join("js"))?;
    fs::write(sdk.join("js/package.json"), "{}")?;
    new("odd", &["--sdk", odd], 0, &["made odd"])?;
    let package: serde_json::Value =
        serde_json::from_slice(&fs::read(place.join("odd/package.json"))?)?;
    let named = package
        .pointer("/dependencies/interlock-guest")
        .and_then(|named| named.as_str())
        .context("no SDK")?;
    ensure!(named == format!("file:{}", sdk.canonicalize()?.join("js").display()), "{named}");
    Ok(())
}

/// The same of a developer in JavaScript.
#[test]
fn the_usual_mistakes_of_a_developer_in_javascript_are_told_with_what_helps() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir()?;
    let (bin, plugin) = (place.path().join("bin"), place.path().join("look-again"));
    let own = plugin.join("node_modules/.bin");
    fs::create_dir(&bin)?;
    fs::create_dir_all(plugin.join("wit"))?;
    let by = |program: &Path, words: &[&str], code: i32, says: &[&str]| -> Result<()> {
        let mut command = Command::new(program);
        command.args(words).current_dir(place.path());
        command.env("PATH", &bin).env("NO_COLOR", "1").stdin(Stdio::null());
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        let all = says.iter().all(|word| said.contains(word));
        ensure!(output.status.code() == Some(code) && all, "{words:?} not {says:?}:\n{said}");
        ensure!(!said.contains("Failed to") && !said.contains('\u{1b}'), "{said:?}");
        Ok(())
    };
    let binary = interlock()?;
    made_in_javascript(place.path(), |words, code, says| by(&binary, words, code, says))?;
    // Of no checkout.
    let elsewhere = place.path().join("interlock");
    fs::hard_link(&binary, &elsewhere).or_else(|_| fs::copy(&binary, &elsewhere).map(drop))?;
    by(&elsewhere, &["new", "moved", "--lang", "js"], 2, &["--sdk", "`guest-sdk` in a checkout"])?;
    ensure!(!place.path().join("moved").exists(), "something was left behind");
    let build = |says: &[&str]| by(&binary, &["build", "look-again"], 2, says);
    let world = "package plugin:look-again;\nworld look-again {\n  include interlock:tool/plugin@0.1.0;\n  \
        import interlock:environment/observe@0.1.0;\n}\n";
    fs::write(plugin.join("wit/world.wit"), world.replace("observe@0.1.0", "observe@0.9.0"))?;
    fs::write(plugin.join("plugin.js"), "export const tools = nope();\n")?;
    build(&["no plugin's folder", "plugin.js and package.json"])?;
    fs::write(plugin.join("package.json"), "{\"type\": \"module\"}")?;
    // The world is read before anything else.
    build(&["interlock:environment@0.9.0", "This host has:", "wit/deps"])?;
    fs::write(plugin.join("wit/world.wit"), world)?;
    build(&["no interlock-guest", "npm install"])?;
    fs::create_dir_all(plugin.join("node_modules/interlock-guest"))?;
    fs::write(plugin.join("node_modules/interlock-guest/package.json"), "{}")?;
    build(&["not installed", "npm install --save-dev componentize-qjs@"])?;
    let script = |folder: &Path, text: &str| -> Result<()> {
        let file = folder.join("componentize-qjs");
        fs::create_dir_all(folder)?;
        fs::write(&file, format!("#!/bin/sh\n{text}\n"))?;
        Ok(fs::set_permissions(file, fs::Permissions::from_mode(0o755))?)
    };
    script(&bin, "echo \"env: 'node': No such file or directory\" >&2; exit 127")?;
    build(&["Node, which runs componentize-qjs, is not installed", "https://nodejs.org"])?;
    script(&bin, "exit 0")?;
    build(&["made no component"])?;
    // The plugin's own goes before that of the machine.
    let evaluating = "Error: : Failed to evaluate user JavaScript module: Failed to finish JavaScript module evaluation: ";
    let fails =
        |with: &str| script(&own, &format!("printf '%b' \"{evaluating}{with}\" >&2; exit 1"));
    fails("Error: nope is not defined\\n    at <anonymous> (/plugin.js:1:22)\\n\\033[2J\\n")?;
    build(&["does not build", "| Error: nope is not defined", "at <anonymous> (plugin.js:1:22)"])?;
    let teardown = "interlock:environment/teardown@0.1.0";
    fails(&format!(
        "Error: Error resolving module '{teardown}' from '/plugin.js': filesystem module not found: x"
    ))?;
    build(&["from 'plugin.js'", "wit/world.wit:  import interlock:environment/teardown@0.1.0;"])?;
    Ok(())
}
