//! A function in Rust: counts the words of the message's payload, and keeps the largest count of each subject in
//! key-value.
//!
//!     rustc --edition 2021 --target wasm32-wasip1 -O -C strip=debuginfo -o words.wasm words.rs
//!     nex run words.wasm --trigger 'words.*'
//!     nex trigger words --subject words.essay --data 'to be or not to be'

use std::io::Read;

/// What this function uses of nex_host_v1; docs/host-services-wasm.md has the rest, in the same form.
mod nex {
    #[link(wasm_import_module = "nex_host_v1")]
    extern "C" {
        fn kv_get(key: *const u8, key_length: u32) -> i32;
        fn kv_put(key: *const u8, key_length: u32, value: *const u8, value_length: u32, ttl_ms: u64) -> i32;
        fn result_take(field: u32, buffer: *mut u8, capacity: u32) -> i32;
        fn error_message(buffer: *mut u8, capacity: u32) -> i32;
    }

    const BODY: u32 = 0;
    const NOT_FOUND: i32 = -1;

    /// `None` if the key is not there.
    pub fn get(key: &str) -> Result<Option<Vec<u8>>, String> {
        let length = unsafe { kv_get(key.as_ptr(), key.len() as u32) };
        if length == NOT_FOUND {
            return Ok(None);
        }
        check(length)?;
        let mut value = vec![0; length as usize];
        unsafe { result_take(BODY, value.as_mut_ptr(), value.len() as u32) };
        Ok(Some(value))
    }

    pub fn put(key: &str, value: &[u8]) -> Result<(), String> {
        let key_length = key.len() as u32;
        check(unsafe { kv_put(key.as_ptr(), key_length, value.as_ptr(), value.len() as u32, 0) })
    }

    fn check(result: i32) -> Result<(), String> {
        if result >= 0 {
            return Ok(());
        }
        let mut message = vec![0; 512];
        let length = unsafe { error_message(message.as_mut_ptr(), message.len() as u32) } as usize;
        message.truncate(length);
        Err(String::from_utf8_lossy(&message).into_owned())
    }
}

fn main() -> Result<(), String> {
    let subject = std::env::args().nth(1).unwrap_or_default();
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| format!("the payload is not text: {error}"))?;
    let words = text.split_whitespace().count();
    let kept = nex::get(&subject)?.and_then(|value| String::from_utf8(value).ok()?.parse().ok());
    let most = kept.unwrap_or(0).max(words);
    if kept != Some(most) {
        nex::put(&subject, most.to_string().as_bytes())?;
        eprintln!("{subject} has a new record");
    }
    print!("{{\"words\":{words},\"most\":{most}}}");
    Ok(())
}
