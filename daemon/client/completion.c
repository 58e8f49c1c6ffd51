/* SPDX-License-Identifier: MIT */
/* The completion of bash as a script: words of commands, options of the command that is there, the
 * values that an option allows, files where a file is wanted. It asks no daemon: pressing Tab must
 * not hang, and must not tell anybody what somebody is about to file. */
#include "client/help.h"

#include <string.h>

static void put_options(FILE *file, const struct fa_opt *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(file, " --%s", options[i].name);
    }
}

static void put_values(FILE *file, const struct fa_opt *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i].value == NULL) {
            continue;
        }
        fprintf(file, "        --%s) ", options[i].name);
        if (options[i].file) {
            fputs("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))", file);
        } else if (options[i].choices != NULL) {
            fputs("COMPREPLY=($(compgen -W \"", file);
            for (size_t c = 0; options[i].choices[c] != NULL; c++) {
                fprintf(file, "%s%s", c > 0 ? " " : "", options[i].choices[c]);
            }
            fputs("\" -- \"$cur\"))", file);
        } else {
            fputs("COMPREPLY=()", file);
        }
        fputs("; return ;;\n", file);
    }
}

/* Is this the first command of the table that begins with its first word? */
static bool first_of_word(size_t index, size_t len)
{
    for (size_t i = 0; i < index; i++) {
        if (strncmp(fa_commands[i]->name, fa_commands[index]->name, len) == 0 &&
            (fa_commands[i]->name[len] == '\0' || fa_commands[i]->name[len] == ' ')) {
            return false;
        }
    }
    return true;
}

static void put_second_words(FILE *file, const char *group, size_t len)
{
    fprintf(file, "        %.*s) words=\"", (int)len, group);
    for (size_t i = 0; i < fa_command_count; i++) {
        if (strncmp(fa_commands[i]->name, group, len) == 0 && fa_commands[i]->name[len] == ' ') {
            fprintf(file, "%s ", fa_commands[i]->name + len + 1);
        }
    }
    fputs("\" ;;\n", file);
}

static void put_words(FILE *file)
{
    fputs("    local words=\"", file);
    for (size_t i = 0; i < fa_command_count; i++) {
        size_t len = strcspn(fa_commands[i]->name, " ");
        if ((fa_commands[i]->flags & FA_CMD_HIDDEN) == 0 && first_of_word(i, len)) {
            fprintf(file, "%.*s ", (int)len, fa_commands[i]->name);
        }
    }
    fputs("\"\n    case \"$cmd\" in\n", file);
    for (size_t i = 0; i < fa_command_count; i++) {
        size_t len = strcspn(fa_commands[i]->name, " ");
        if (fa_commands[i]->name[len] == ' ' && first_of_word(i, len)) {
            put_second_words(file, fa_commands[i]->name, len);
        } else if (fa_commands[i]->name[len] == '\0') {
            fprintf(file, "        %s) words=\"\" ;;\n", fa_commands[i]->name);
        }
    }
    fputs("        *\\ *) words=\"\" ;;\n    esac\n", file);
}

void fa_completion(FILE *file)
{
    fputs("# bash completion for firealarm\n"
          "_firealarm()\n{\n"
          "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
          "    local cmd=\"\" options=\"\" i\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        [[ \"${COMP_WORDS[i]}\" == -* ]] || cmd=\"${cmd:+$cmd }${COMP_WORDS[i]}\"\n"
          "    done\n"
          "    case \"$prev\" in\n",
          file);
    put_values(file, fa_global_options, fa_global_option_count);
    for (size_t i = 0; i < fa_command_count; i++) {
        put_values(file, fa_commands[i]->options, fa_commands[i]->option_count);
    }
    fputs("    esac\n", file);
    put_words(file);
    fputs("    case \"$cmd \" in\n", file);
    for (size_t i = 0; i < fa_command_count; i++) {
        fputs("        \"", file);
        fprintf(file, "%s \"*) options=\"", fa_commands[i]->name);
        put_options(file, fa_commands[i]->options, fa_commands[i]->option_count);
        fputs("\" ;;\n", file);
    }
    fputs("    esac\n    if [[ \"$cur\" == -* ]]; then\n        words=\"$options", file);
    put_options(file, fa_global_options, fa_global_option_count);
    fputs("\"\n    fi\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
          "complete -F _firealarm firealarm\n",
          file);
}
