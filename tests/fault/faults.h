// faults.h: run a scenario with each of its fallible calls failing in turn.
#ifndef PST_TESTS_FAULTS_H
#define PST_TESTS_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/// A use of the product with pst_fake_env(): PST_OK when all went well. It frees what it made in every case.
typedef pst_status (*fault_scenario)(void);

typedef struct fault_report {
    uint64_t calls;      // fallible calls of the undisturbed run
    uint64_t unreported; // runs that said PST_OK although a call failed
    uint64_t last_unreported; // which call that was
    uint64_t leaks;      // runs that left blocks behind
    bool works;          // undisturbed, before and after
} fault_report;

#define FAULT_CALLS_MAX 20000

/// Runs the scenario 2 + calls times.
fault_report faults_inject(fault_scenario scenario);
/// The same, and fails the current test unless every failure was reported and nothing leaked. may_hide: how many failures the
/// scenario may survive on purpose (an optional step, a fallback).
void faults_check(fault_scenario scenario, uint64_t may_hide);

#endif
