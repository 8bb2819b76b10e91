/* What the board is, and how it fares. */
#include "board.h"
#include "core/platform.h"
#include "core/text.h"
#include "dut/commands.h"
#include "dut/input.h"
#include "dut/lap.h"
#include "engine.h"

void dut_name(const dut_words *words) {
    (void)words;
    put_line("m-name-dut-[tinynas]");
}

void dut_profile(const dut_words *words) {
    (void)words;
    put_line("m-profile-[tinynas firmware on " BOARD_NAME "]");
    put_text("m-model-[");
    put_text(engine_model_id);
    put_line("]");
}

void dut_timestamp(const dut_words *words) {
    (void)words;
    dut_put_lap();
}

static void put_field(const char *name, uint32_t value) {
    put_text(name);
    put_unsigned(value);
}

void dut_info(const dut_words *words) {
    (void)words;
    put_text("m-info-[board=" BOARD_NAME);
    put_field(",clock_hz=", machine_clock_hz());
    put_field(",icache=", machine_instruction_cache());
    put_field(",dcache=", machine_data_cache());
    put_text(",engine=");
    put_text(engine_name);
    put_text(",model=");
    put_text(engine_model_hash);
    put_text(",image=");
    put_hex(memory_image_crc(), 8);
    put_field(",input=", engine_input_bytes());
    put_field(",output=", engine_output_bytes());
    put_line("]");
}

void dut_memory(const dut_words *words) {
    (void)words;
    put_field("m-mem-[static=", engine_static_bytes());
    put_field(",arena=", engine_arena_bytes());
    put_field(",stack=", memory_stack_bytes());
    put_field(",stack_limit=", memory_stack_limit_bytes());
    put_field(",inferences=", dut_inferences());
    put_line("]");
}

void dut_crash(const dut_words *words) {
    (void)words;
    machine_crash();
}
