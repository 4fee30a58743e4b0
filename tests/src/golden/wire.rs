//! The wire: package, services, messages and enums, from the checked-in descriptor. Numbers and names never change.

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet, ServiceDescriptorProto};

#[test]
fn the_wire_is_the_frozen_one() {
    let set = FileDescriptorSet::decode(sluis_proto::DESCRIPTORS).unwrap();
    let ours = set.file.iter().filter(|file| file.name().starts_with("sluis/"));
    let mut lines = Vec::new();
    for file in ours {
        lines.push(format!("file {} package {}", file.name(), file.package()));
        file.service.iter().for_each(|service| rpcs(service, &mut lines));
        file.message_type.iter().for_each(|message| fields(message.name(), message, &mut lines));
        file.enum_type.iter().for_each(|list| members(list.name(), list, &mut lines));
    }
    assert!(lines.contains(&"file sluis/v1/common.proto package sluis.v1".to_owned()), "the package is not sluis.v1");
    super::frozen("proto.txt", "The wire, frozen. A line may be added; none may change or go.", &lines);
}

fn rpcs(service: &ServiceDescriptorProto, lines: &mut Vec<String>) {
    for method in &service.method {
        let stream = |yes: bool| if yes { "stream " } else { "" };
        lines.push(format!(
            "rpc {}/{} ({}{}) returns ({}{})",
            service.name(),
            method.name(),
            stream(method.client_streaming()),
            method.input_type(),
            stream(method.server_streaming()),
            method.output_type()
        ));
    }
}

fn fields(path: &str, message: &DescriptorProto, lines: &mut Vec<String>) {
    for field in &message.field {
        let repeated = if field.label() == Label::Repeated { "repeated " } else { "" };
        let kind = match field.r#type() {
            Type::Message | Type::Enum => field.type_name().to_owned(),
            scalar => format!("{scalar:?}").to_lowercase(),
        };
        let choice = match (field.oneof_index, field.proto3_optional()) {
            (_, true) => " optional".to_owned(),
            (Some(at), false) => format!(" oneof {}", message.oneof_decl[usize::try_from(at).unwrap()].name()),
            (None, false) => String::new(),
        };
        lines.push(format!("field {path}.{} = {} {repeated}{kind}{choice}", field.name(), field.number()));
    }
    message.nested_type.iter().for_each(|inner| fields(&format!("{path}.{}", inner.name()), inner, lines));
    message.enum_type.iter().for_each(|inner| members(&format!("{path}.{}", inner.name()), inner, lines));
}

fn members(path: &str, list: &EnumDescriptorProto, lines: &mut Vec<String>) {
    lines.extend(list.value.iter().map(|value| format!("enum {path}.{} = {}", value.name(), value.number())));
}
