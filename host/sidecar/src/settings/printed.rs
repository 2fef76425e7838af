//! The configuration with all its keys, their defaults, and what they mean.

use super::keys;

/// A configuration file that says what holds without one.
pub fn print_config() -> String {
    let mut text = "# Configuration of `placet serve`. All keys, with what holds where a key is not set; flags go before the environment,\n\
                    # the environment goes before this file. Each key may be set by the flag and the variable that stand above it.\n"
        .to_owned();
    let mut section = None;
    for argument in keys().get_arguments() {
        let id = argument.get_id().as_str();
        let (above, name) = id.split_once('.').map_or((None, id), |(above, name)| (Some(above), name));
        let indent = if above.is_some() { "  " } else { "" };
        if section != Some(above.map(str::to_owned)) {
            text.push('\n');
            text.extend(above.map(|above| format!("{above}:\n")));
            section = Some(above.map(str::to_owned));
        }
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let flag = argument.get_long().unwrap_or_default();
        let variable = argument.get_env().unwrap_or_default().display();
        let values = argument.get_value_names().unwrap_or_default().join(" ");
        let default: Vec<_> = argument.get_default_values().iter().map(|value| value.display().to_string()).collect();
        let default = default.first().map(|value| format!(" {}", quoted(value))).unwrap_or_default();
        text.push_str(&format!(
            "{indent}# {help}.\n{indent}# --{flag} {values}, {variable}\n{indent}{name}:{default}\n"
        ));
    }
    text
}

/// As YAML: as it is where it cannot be taken for anything else.
fn quoted(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !value.is_empty() && value.bytes().all(is_plain) { value.to_owned() } else { format!("\"{value}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::given;

    #[test]
    fn every_key_is_shown_with_its_flag_variable_and_default_and_the_whole_can_be_read_back() {
        let text = print_config();
        for argument in keys().get_arguments() {
            let (id, flag) = (argument.get_id().as_str(), argument.get_long().unwrap());
            let variable = argument.get_env().unwrap_or_else(|| panic!("`{id}` has no variable")).to_str().unwrap();
            assert!(variable.starts_with("PLACET_"), "{variable}");
            assert!(text.contains(&format!("--{flag} ")) && text.contains(variable), "{id}\n{text}");
            assert!(!argument.get_help().unwrap().to_string().is_empty(), "{id}");
        }
        let defaults: Vec<String> = keys()
            .get_arguments()
            .filter_map(|argument| {
                let value = argument.get_default_values().first()?.to_str()?;
                Some(format!("--{}={value}", argument.get_long()?))
            })
            .collect();
        let mut read: Vec<String> = given(&text)
            .unwrap()
            .into_iter()
            .flat_map(|given| given.arguments)
            .map(|argument| argument.into_string().unwrap())
            .collect();
        let mut expected = defaults;
        expected.sort();
        read.sort();
        assert_eq!(read, expected);
    }
}
