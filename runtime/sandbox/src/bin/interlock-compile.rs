//! The compiling child as a program of its own: a component on standard input, its artifact on standard
//! output, under the limits that it sets itself first.

fn main() -> std::process::ExitCode {
    interlock_sandbox::compile_child()
}
