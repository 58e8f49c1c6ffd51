/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* Calendars in the running daemon: read beside the loop at SIGHUP and once a day; what cannot be
 * used keeps what runs; a start finds those that were accepted last. */
#include "daemon_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT(uid, who, more)                                                                      \
    "BEGIN:VEVENT\nUID:" uid "\nSUMMARY:" who                                                      \
    "\nDTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:20200102\n" more "END:VEVENT\n"
#define DAILY "RRULE:FREQ=DAILY\n"

static const char duty[] = "zone = \"Europe/Berlin\";\n"
                           "schedules = ( { name = \"it\"; display = \"IT on duty\"; file = "
                           "\"./rota.ics\"; } );\n";

static void write_rota(struct rig *rig, const char *events)
{
    char text[2048];
    snprintf(text, sizeof text, "BEGIN:VCALENDAR\nVERSION:2.0\n%sEND:VCALENDAR\n", events);
    rig_write(rig, "rota.ics", text, 0644);
}

static void reload(struct rig *rig, bool good)
{
    const char *word = good ? "the new configuration holds" : "the new configuration is refused";
    size_t before = rig_log_count(rig, word);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_log_count(rig, word) == before + 1);
}

static void a_reload_takes_the_calendar_as_it_is_now_or_leaves_all_as_it_was(void **state)
{
    struct rig *rig = *state;
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    assert_true(rig_is_on_duty(rig, "ines"));
    write_rota(rig, EVENT("1", "noah", DAILY));
    assert_true(rig_is_on_duty(rig, "ines"));
    reload(rig, true);
    assert_true(rig_is_on_duty(rig, "noah"));
    write_rota(rig, EVENT("1", "nobody", DAILY));
    reload(rig, false);
    assert_true(rig_logged(rig, "nobody is called 'nobody'"));
    assert_true(rig_is_on_duty(rig, "noah"));
    rig_until(rig,
              receiver_find(rig->receiver, "/ines", "changed configuration was refused") != NULL);
    rig_stop(rig);
}

static void a_calendar_that_is_never_read_to_its_end_holds_nobody_up(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    write_rota(rig, EVENT("1", "noah", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\n"));
    size_t before = rig_log_count(rig, "the new configuration");
    rig_signal(rig, SIGHUP);
    rig_signal(rig, SIGHUP);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    assert_int_equal(rig_status(rig, receipt), 200);
    rig_until(rig, rig_log_count(rig, "the new configuration") == before + 2 ||
                       rig_log_count(rig, "the new configuration") == before + 1);
    assert_true(rig_is_on_duty(rig, "ines"));
    write_rota(rig, EVENT("1", "noah", DAILY));
    rig_until(rig, (rig_signal(rig, SIGHUP), rig_is_on_duty(rig, "noah")));
    rig_stop(rig);
}

static void an_end_in_the_midst_of_reading_is_orderly(void **state)
{
    struct rig *rig = *state;
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    write_rota(rig, EVENT("1", "noah", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\n"));
    rig_signal(rig, SIGHUP);
    rig_stop(rig);
}

static void each_day_the_calendars_are_read_and_nothing_else(void **state)
{
    struct rig *rig = *state;
    if (!rig_has_hooks()) {
        print_message("SKIPPED: built without test hooks\n");
        skip();
    }
    rig->words.more = duty;
    rig->every = "200ms";
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    rig_write(rig, "firealarm.cfg", "what is this", 0644); /* nobody asked for a reload */
    write_rota(rig, EVENT("1", "noah", DAILY));
    rig_until(rig, rig_is_on_duty(rig, "noah"));
    assert_false(rig_logged(rig, "the new configuration"));
    write_rota(rig, "BEGIN:VEVENT\n");
    rig_until(rig, rig_logged(rig, "the calendars are refused, those that were read last stay"));
    assert_true(rig_is_on_duty(rig, "noah"));
    rig_until(rig, receiver_find(rig->receiver, "/ines", "those read last stay") != NULL);
    rig_stop(rig);
}

static void a_start_with_a_broken_calendar_runs_on_the_one_that_was_accepted(void **state)
{
    struct rig *rig = *state;
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    rig_stop(rig);
    write_rota(rig, "BEGIN:VEVENT\n");
    rig_again(rig);
    assert_true(rig_logged(rig, "running on the configuration that was accepted last"));
    assert_true(rig_is_on_duty(rig, "ines"));
    rig_until(rig,
              receiver_find(rig->receiver, "/ines", "configuration was refused at start") != NULL);
    rig_stop(rig);
}

static void a_first_start_without_the_program_says_so(void **state)
{
    struct rig *rig = *state;
    int status = 0;
    rig->words.more = duty;
    rig->calendar = "/nowhere/firealarm-calendar";
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_write_config(rig);
    rig_spawn(rig);
    rig_until(rig, rig_has_ended(rig, &status));
    assert_int_equal(WEXITSTATUS(status), 78);
    assert_true(rig_logged(rig, "/nowhere/firealarm-calendar: No such file or directory"));
}

static void duty_is_told_in_the_caller_s_zone_and_to_people_alone(void **state)
{
    struct rig *rig = *state;
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY) "BEGIN:VEVENT\nUID:2\nSUMMARY:noah\n"
                                              "DTSTART;VALUE=DATE:20301224\nEND:VEVENT\n");
    rig_start(rig);
    const struct rig_reply *reply = rig_get(rig, "/v1/oncall?at=3d");
    assert_int_equal(reply->status, 200);
    json_t *body = rig_json(reply);
    assert_string_equal(json_string_value(json_object_get(body, "zone")), "Europe/Berlin");
    const char *here = json_string_value(json_object_get(body, "at_here"));
    assert_true(strstr(here, "CET") != NULL || strstr(here, "CEST") != NULL);
    json_decref(body);
    assert_int_equal(rig_get(rig, "/v1/oncall?at=tomorrow")->status, 400);
    assert_int_equal(rig_get(rig, "/v1/oncall?at=2026-12-24%2022:00")->status, 200);
    assert_int_equal(rig_get(rig, "/v1/oncall?at=2026-13-24")->status, 400);
    rig_stop(rig);
}

/* Another calendar at each moment, always a whole one. */
static pid_t keep_writing(struct rig *rig)
{
    char path[600], temp[610], text[400];
    snprintf(path, sizeof path, "%s", rig_path(rig, "rota.ics"));
    snprintf(temp, sizeof temp, "%s.new", path);
    pid_t pid = fork();
    assert_true(pid >= 0);
    for (unsigned n = 0; pid == 0; n++) {
        int len = snprintf(
            text, sizeof text,
            "BEGIN:VCALENDAR\nVERSION:2.0\nX-N:%u\n" EVENT("1", "ines", DAILY) "END:VCALENDAR\n",
            n);
        int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, text, (size_t)len) != len || rename(temp, path) != 0) {
            _exit(1);
        }
        close(fd);
    }
    return pid;
}

static void what_changes_while_it_is_read_is_refused_with_that_reason(void **state)
{
    struct rig *rig = *state;
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    pid_t writer = keep_writing(rig);
    reload(rig, false);
    kill(writer, SIGKILL);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    assert_true(rig_logged(rig, "the calendars change while they are read"));
    reload(rig, true);
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reload_takes_the_calendar_as_it_is_now_or_leaves_all_as_it_was),
        TEST(a_calendar_that_is_never_read_to_its_end_holds_nobody_up),
        TEST(an_end_in_the_midst_of_reading_is_orderly),
        TEST(each_day_the_calendars_are_read_and_nothing_else),
        TEST(a_start_with_a_broken_calendar_runs_on_the_one_that_was_accepted),
        TEST(a_first_start_without_the_program_says_so),
        TEST(duty_is_told_in_the_caller_s_zone_and_to_people_alone),
        TEST(what_changes_while_it_is_read_is_refused_with_that_reason),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
