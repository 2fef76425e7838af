//! Policies in text form: what no compiler would make.

use std::fmt::Write as _;

use placet_tests::rig::root;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, WasmExport, WasmExportKind, WorldItem};

/// The text of `load` in a module.
const LOAD: &str = "placet:policy/licensing@0.1.0#load";

/// A policy made of text. Every function but `load` traps.
pub(crate) struct Text<'a> {
    /// Fields of the module beside its exports: imports first.
    pub(crate) fields: &'a str,
    /// How much memory it has, in pages: `MIN` or `MIN MAX`.
    pub(crate) memory: &'a str,
    /// The body of `load`, which answers where the status lies.
    pub(crate) load: &'a str,
    /// What the world imports.
    pub(crate) imports: &'a str,
    /// More interfaces and packages in WIT.
    pub(crate) wit: &'a str,
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self { fields: "", memory: "1", load: "unreachable", imports: "", wit: "" }
    }
}

impl Text<'_> {
    /// The component.
    pub(crate) fn component(&self) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("policy.wit", &self.wit()).unwrap();
        let world = resolve.select_world(&[package], Some("policy")).unwrap();
        let mut module = format!("(module {} (memory (export \"memory\") {})\n", self.fields, self.memory);
        module.push_str("(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 32768)\n");
        for (key, item) in &resolve.worlds[world].exports {
            let WorldItem::Interface { id, .. } = item else { continue };
            for function in resolve.interfaces[*id].functions.values() {
                let export = WasmExport::Func { interface: Some(key), func: function, kind: WasmExportKind::Normal };
                let name = resolve.wasm_export_name(ManglingAndAbi::Legacy(LiftLowerAbi::Sync), export);
                let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
                let body = if name == LOAD { self.load } else { "unreachable" };
                let (params, results) = (types(&signature.params), types(&signature.results));
                writeln!(module, "(func (export \"{name}\") (param {params}) (result {results}) {body})").unwrap();
            }
        }
        module.push(')');
        let mut module = wat::parse_str(&module).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        let mut encoder = ComponentEncoder::default();
        encoder.validate(false).module(&module).unwrap().encode().unwrap()
    }

    /// All of `wit/` as one file, with other imports.
    fn wit(&self) -> String {
        let mut text = String::from("package placet:policy@0.1.0;\n");
        let mut files: Vec<_> =
            std::fs::read_dir(root().join("wit")).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        for file in files {
            let content = std::fs::read_to_string(file).unwrap();
            text.extend(content.lines().filter(|line| !line.starts_with("package ")).map(|line| format!("{line}\n")));
        }
        let world = "    import clock;\n    import files;\n    import counters;\n";
        assert!(text.contains(world));
        text.replace(world, self.imports) + self.wit
    }
}

fn types(types: &[WasmType]) -> String {
    let name = |ty: &WasmType| match ty {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        _ => "i32",
    };
    types.iter().map(name).collect::<Vec<_>>().join(" ")
}
