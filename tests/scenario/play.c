/* SPDX-License-Identifier: MIT */
/* The scenario player as a program of its own, for tests and mutants: no socket, no client. */
#include "lab/lab.h"

int main(int argc, char **argv)
{
    return fa_lab_main(argc, argv, stdout, stderr);
}
