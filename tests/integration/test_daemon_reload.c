/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* What a changed configuration changes on sockets that stay open. */
#include "daemon_rig.h"

#include <signal.h>

static void reload(struct rig *rig)
{
    rig_write_config(rig);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_logged(rig, "the new configuration holds"));
}

static void an_open_feed_gets_its_new_limits_and_options(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    rig_statsd(rig, "queue_seconds:1|g|#queue:north");
    rig_until(rig, rig_metric(rig, "firealarm_feed_series{feed=\"statsd\"}") == 1);
    rig->words.feeds = "feeds = ( { name = \"statsd\"; address = \"udp:127.0.0.1:0\";\n"
                       "  decoder = \"statsd\"; gauge_sign = \"absolute\";\n"
                       "  limits = { series = 1; }; } );\n";
    reload(rig);
    rig_statsd(rig, "queue_seconds:1|g|#queue:south");
    rig_until(rig, rig_metric(rig, "firealarm_feed_series_refused_total{feed=\"statsd\"}") == 1);
    /* As a change of what it was it would be 131. */
    rig_statsd(rig, "queue_seconds:+130|g|#queue:north");
    rig_until(rig, receiver_find(rig->receiver, "/first", "\"value\":\"130\"") != NULL);
    rig_stop(rig);
}

static void an_open_listener_gets_its_new_limits_and_routes(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    unsigned port = rig_port(rig, "metrics");
    struct rig_call call = {.method = "GET", .path = "/v1/version", .port = port};
    assert_int_equal(rig_ask(rig, &call)->status, 404);
    rig->words.listeners =
        "listeners = (\n"
        "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\";\n"
        "    routes = [ \"api\" ]; limits = { body_bytes = 1024; }; },\n"
        "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\", \"api\" ]; } );\n";
    reload(rig);
    assert_int_equal(rig_port(rig, "metrics"), port);
    assert_int_equal(rig_ask(rig, &call)->status, 401);
    char body[2048] = "{\"text\":\"";
    memset(body + strlen(body), 'x', 1500);
    assert_int_equal(rig_post(rig, "/v1/incidents", body)->status, 413);
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_open_feed_gets_its_new_limits_and_options, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(an_open_listener_gets_its_new_limits_and_routes, rig_setup,
                                        rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
